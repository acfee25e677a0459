import { executable } from "../helpers/sluice.ts"

/** Numbers in [0, 1) from a seed (mulberry32), so that a failing series of kills can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Starts the daemon and kills it after so many milliseconds, ready or not: migrations and recovery die like this. */
export async function startAndKill(options: {
  dataDir: string
  env: Record<string, string>
  ms: number
}): Promise<void> {
  const daemon = Bun.spawn([executable, "serve", "--data-dir", options.dataDir, "--port", "0"], {
    env: options.env,
    stdio: ["ignore", "ignore", "ignore"],
  })
  await Bun.sleep(options.ms)
  daemon.kill("SIGKILL")
  await daemon.exited
}
