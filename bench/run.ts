import { mkdtempSync, rmSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { measureActions } from "./actions.ts"
import { type Daemon, startDaemon } from "./daemon.ts"
import { measureCatalogue } from "./catalogue.ts"
import { measureCalls } from "./calls.ts"
import { measureLatency } from "./latency.ts"
import { measurePaging } from "./paging.ts"
import { measureProxy } from "./proxy.ts"
import { openRaw, type Raw } from "./raw.ts"
import { measureReads } from "./reads.ts"
import { type Line, printLine } from "./report.ts"
import { measureMemory, measureStart } from "./start.ts"
import { measureSize, measureWrites } from "./writes.ts"

type Filled = { connectionId: string; collection: number; count: number }

/** What measurements share: one daemon and one raw database, opened when the first of them needs it. */
export type Bench = {
  opened?: { daemon: Daemon; raw: Raw }
  filled?: Filled
  open: () => Promise<{ daemon: Daemon; raw: Raw }>
  /** The same, with 100,000 records in both. */
  fill: () => Promise<{ daemon: Daemon; raw: Raw; filled: Filled }>
}

const measurements: Record<string, (bench: Bench) => Promise<Line[]>> = {
  start: measureStart,
  memory: measureMemory,
  writes: measureWrites,
  reads: measureReads,
  actions: measureActions,
  latency: measureLatency,
  calls: measureCalls,
  proxy: measureProxy,
  size: measureSize,
  paging: measurePaging,
  catalogue: measureCatalogue,
}
/** Takes minutes, or a build: only when it is named. */
const onRequest = new Set(["paging", "catalogue"])

function createBench(directory: string): Bench {
  const bench: Bench = {
    async open() {
      bench.opened ??= { daemon: await startDaemon(), raw: openRaw(directory) }
      return bench.opened
    },
    async fill() {
      const opened = await bench.open()
      if (!bench.filled) await measureWrites(bench)
      return { ...opened, filled: bench.filled as Filled }
    },
  }
  return bench
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => !(name in measurements))
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(", ")}. Known: ${Object.keys(measurements).join(", ")}`)
  process.exit(2)
}
const directory = mkdtempSync(join(tmpdir(), "sluice-bench-"))
const bench = createBench(directory)
console.log(`${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}, Bun ${Bun.version}\n`)
try {
  for (const [name, measure] of Object.entries(measurements)) {
    const isWanted = names.length === 0 ? !onRequest.has(name) : names.includes(name)
    if (isWanted) for (const line of await measure(bench)) printLine(line)
  }
} finally {
  await bench.opened?.daemon.stop()
  bench.opened?.raw.close()
  rmSync(directory, { recursive: true, force: true })
}
