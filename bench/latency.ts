import { type Daemon, must } from "./daemon.ts"
import { type Line, quantile } from "./report.ts"
import type { Bench } from "./run.ts"

const everyMs = 5
const samplesIdle = 800
const records = 100_000
const syncs = 4

/** `GET /connections/:id` every five milliseconds, first on an idle daemon, then while syncs of 100,000 records write. */
export async function measureLatency(bench: Bench): Promise<Line[]> {
  const { daemon } = await bench.open()
  await daemon.connect("latency")
  const idle = await sampleUntil(daemon, (taken) => taken >= samplesIdle)
  let writing = true
  const fills = (async () => {
    for (let version = 1; version <= syncs; version++)
      await daemon.fill("latency", { count: records, batch: 1000, version })
    writing = false
  })()
  const busy = await sampleUntil(daemon, () => !writing)
  await fills
  const [p99, idleP99] = [quantile(busy, 0.99), quantile(idle, 0.99)]
  const detail = (samples: number[]) => `p50 ${quantile(samples, 0.5).toFixed(2)} ms, ${samples.length} requests`
  return [
    { what: "GET /connections/:id p99 idle", value: idleP99, unit: "ms", detail: detail(idle) },
    { what: "GET /connections/:id p99 writing", value: p99, unit: "ms", detail: detail(busy) },
    { what: "  its ratio", value: p99 / idleP99, unit: "x idle", detail: "", aim: { most: 5 } },
  ]
}

async function sampleUntil({ sluice }: Daemon, done: (taken: number) => boolean): Promise<number[]> {
  const times: number[] = []
  let next = performance.now()
  while (!done(times.length)) {
    const start = performance.now()
    await must(sluice, "GET", "/connections/latency?provider_config_key=bench")
    const end = performance.now()
    times.push(end - start)
    next = Math.max(next + everyMs, end)
    await Bun.sleep(next - end)
  }
  return times
}
