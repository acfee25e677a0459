import { rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { ensureBuilt, executable, startSluice, temporaryFolder } from "../test/helpers/sluice.ts"
import { memoryOf } from "./processes.ts"
import { type Line, quantile } from "./report.ts"

const starts = 12
const settleMs = 8_000

/** From exec to the first 200 of `GET /health`: on an empty data directory, and on one that is there already. */
export async function measureStart(): Promise<Line[]> {
  ensureBuilt()
  const first: number[] = []
  const again: number[] = []
  for (let index = 0; index < starts; index++) {
    const dataDir = temporaryFolder("start")
    first.push(await timeStart(dataDir))
    again.push(await timeStart(dataDir))
    rmSync(dataDir, { recursive: true, force: true })
  }
  const line = (what: string, times: number[]): Line => {
    const detail = `best ${Math.min(...times).toFixed(0)}, worst ${Math.max(...times).toFixed(0)} of ${times.length}`
    return { what, value: quantile(times, 0.5), unit: "ms", detail, aim: { most: 150 } }
  }
  return [line("first /health, empty directory", first), line("first /health, restart", again)]
}

type StartOptions = { program?: string; env?: Record<string, string>; look?: (pid: number) => Promise<void> }

/** Milliseconds from exec to the first 200 of `GET /health`; `look` may then look at the process before it ends. */
export async function timeStart(dataDir: string, options: StartOptions = {}): Promise<number> {
  const port = freePort()
  const { program = executable, env = {}, look } = options
  const start = performance.now()
  const proc = Bun.spawn([program, "serve", "--data-dir", dataDir, "--port", String(port)], {
    cwd: tmpdir(),
    env,
    stdio: ["ignore", "ignore", "ignore"],
  })
  while (!(await isHealthy(port))) await Bun.sleep(1)
  const ms = performance.now() - start
  await look?.(proc.pid)
  proc.kill("SIGTERM")
  await proc.exited
  return ms
}

function freePort(): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() })
  const { port } = server
  void server.stop(true)
  if (port === undefined) throw new Error("there is no free port")
  return port
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health`, { keepalive: false })).status === 200
  } catch {
    // Nothing listens there yet.
    return false
  }
}

/** Memory of the daemon and its warm runners, some seconds after the start, when nobody has asked for anything. */
export async function measureMemory(): Promise<Line[]> {
  await using sluice = await startSluice()
  await Bun.sleep(settleMs)
  const { processes, pssMb, rssMb, anonymousMb } = memoryOf(sluice.pid)
  const detail = `${processes} processes; RSS summed ${rssMb.toFixed(0)}, anonymous ${anonymousMb.toFixed(0)}`
  return [{ what: "idle memory (PSS)", value: pssMb, unit: "MB", detail, aim: { most: 80 } }]
}
