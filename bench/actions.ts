import { type Daemon, must, onBench } from "./daemon.ts"
import { type Line, quantile } from "./report.ts"
import type { Bench } from "./run.ts"

const warmUp = 50
const actions = 500

/** An action that does nothing, one call after the other. The base is the daemon's cheapest answer, `GET /health`. */
export async function measureActions(bench: Bench): Promise<Line[]> {
  const { daemon } = await bench.open()
  await daemon.connect("actions")
  await sample(daemon, warmUp, trigger)
  const cpu = daemon.cpuMs()
  const times = await sample(daemon, actions, trigger)
  const cpuEach = (daemon.cpuMs() - cpu) / actions
  const health = quantile(await sample(daemon, actions, (d) => must(d.sluice, "GET", "/health")), 0.5)
  const p50 = quantile(times, 0.5)
  const base = `${(p50 / health).toFixed(0)}x GET /health; CPU ${cpuEach.toFixed(2)} ms each`
  return [
    { what: "empty action p50", value: p50, unit: "ms", detail: base, aim: { most: 8 } },
    {
      what: "empty action p99",
      value: quantile(times, 0.99),
      unit: "ms",
      detail: `best ${Math.min(...times).toFixed(2)}`,
    },
  ]
}

const trigger = ({ sluice }: Daemon) =>
  must(sluice, "POST", "/action/trigger", { headers: onBench("actions"), body: { action_name: "empty", input: {} } })

async function sample(daemon: Daemon, count: number, act: (daemon: Daemon) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    const start = performance.now()
    await act(daemon)
    times.push(performance.now() - start)
  }
  return times
}
