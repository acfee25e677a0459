import { readdirSync, readFileSync } from "node:fs"
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

/** Runner processes of a daemon, by the parent that the kernel names (Linux). */
export function runnersOf(daemonPid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === daemonPid)
}

function parentOf(pid: number): number | undefined {
  // A process may leave between the listing and this look.
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])
  } catch {
    return undefined
  }
}

export const isAlive = (pid: number): boolean => parentOf(pid) !== undefined

/** Processor time that a process has used, in ticks of the kernel; undefined when it is gone (Linux). */
export function cpuTicks(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? []
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return undefined
  }
}
