import { onBench } from "./daemon.ts"
import { cpuMs } from "./processes.ts"
import { fastest, type Line, ratioLine, type Timing } from "./report.ts"
import type { Bench } from "./run.ts"
import type { Sluice } from "../test/helpers/sluice.ts"

const limit = 1000
const rounds = 4

/** Reads 100,000 records over HTTP, one page after the other, as text; the raw loop makes the same pages in this process. */
export async function measureReads(bench: Bench): Promise<Line[]> {
  const { daemon, raw, filled } = await bench.fill()
  const ours: Timing[] = []
  const base: Timing[] = []
  for (let round = 0; round < rounds; round++) {
    ours.push(await readAll(daemon.sluice, filled.connectionId, filled.count))
    base.push(raw.read(filled.collection, limit))
  }
  return [ratioLine("GET /records?limit=1000", fastest(ours), fastest(base), 0.3)]
}

async function readAll(sluice: Sluice, connectionId: string, expected: number): Promise<Timing> {
  const headers = { authorization: `Bearer ${sluice.key}`, ...onBench(connectionId) }
  const cpu = cpuMs(sluice.pid)
  const start = performance.now()
  let pages = 0
  let cursor: string | undefined = ""
  while (cursor !== undefined) {
    const query: string = `model=Ticket&limit=${limit}${cursor === "" ? "" : `&cursor=${cursor}`}`
    const text: string = await (await fetch(`${sluice.url}/records?${query}`, { headers })).text()
    // The client's own parsing is not what is measured.
    cursor = /"next_cursor":"([^"]+)"\}$/.exec(text.slice(-200))?.[1]
    pages++
  }
  const timing = { ms: performance.now() - start, cpuMs: cpuMs(sluice.pid) - cpu, count: expected }
  if (pages !== Math.ceil(expected / limit)) throw new Error(`${pages} pages were read of ${expected} records`)
  return timing
}
