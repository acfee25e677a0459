import { statSync } from "node:fs"
import { join } from "node:path"
import { must, onBench } from "./daemon.ts"
import { fastest, type Line, perSecond, ratioLine, type Timing } from "./report.ts"
import type { Bench } from "./run.ts"

const records = 100_000
const batch = 1000
const rounds = 2

type Kind = "new" | "unchanged" | "changed"
const versions: [Kind, number][] = [
  ["new", 1],
  ["unchanged", 1],
  ["changed", 2],
]
const least = { new: 0.35, unchanged: 0.5, changed: 0.35 }

/** A sync saves 100,000 records in calls of 1,000; the raw loop saves the same records right after, or right before. */
export async function measureWrites(bench: Bench): Promise<Line[]> {
  const { daemon, raw } = await bench.open()
  const ours: Record<Kind, (Timing & { runMs: number })[]> = { new: [], unchanged: [], changed: [] }
  const base: Record<Kind, Timing[]> = { new: [], unchanged: [], changed: [] }
  for (let round = 1; round <= rounds; round++) {
    await daemon.connect(`writes-${round}`)
    for (const [kind, version] of versions) {
      const input = { count: records, batch, version }
      if (round % 2 === 1) base[kind].push(raw.save(round, input))
      ours[kind].push(await daemon.fill(`writes-${round}`, input))
      if (round % 2 === 0) base[kind].push(raw.save(round, input))
    }
  }
  bench.filled = { connectionId: "writes-1", collection: 1, count: records }
  return versions.map(([kind]) => {
    const best = fastest(ours[kind])
    const line = ratioLine(`batchSave ${kind}`, best, fastest(base[kind]), least[kind])
    const whole = perSecond({ ...best, ms: best.runMs })
    return { ...line, detail: `${line.detail}; whole run ${(whole / 1000).toFixed(1)}k` }
  })
}

/** The database file after `writes`, against the raw one that holds the same. */
export async function measureSize(bench: Bench): Promise<Line[]> {
  const { daemon, raw } = await bench.fill()
  // The writer folds its log into the file once it has been idle for five seconds.
  await Bun.sleep(6_000)
  const stored = await countRecords(bench)
  const bytes = statSync(join(daemon.sluice.dataDir, "sluice.db")).size / stored
  const rawBytes = raw.sizeBytes() / raw.count()
  const payload = JSON.stringify((await import("./records.ts")).makeRecord(50_000, 1)).length
  return [
    {
      what: "database per record",
      value: bytes,
      unit: "bytes",
      detail: `raw ${rawBytes.toFixed(0)}, payload ${payload}`,
    },
  ]
}

async function countRecords({ opened }: Bench): Promise<number> {
  if (!opened) return 0
  const { sluice } = opened.daemon
  const { body } = await must(sluice, "GET", "/connections")
  let count = 0
  for (const { connection_id } of body.connections) {
    const query = `syncs=fill&provider_config_key=bench&connection_id=${connection_id}`
    const status = await must(sluice, "GET", `/sync/status?${query}`, { headers: onBench(connection_id) })
    count += status.body.syncs[0]?.recordCount.Ticket ?? 0
  }
  return count
}
