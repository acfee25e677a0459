import { rmSync } from "node:fs"
import { deploy, startSluice, temporaryFolder, until } from "../test/helpers/sluice.ts"
import { must, onBench } from "./daemon.ts"
import { makeBatch } from "./records.ts"
import { type Line, quantile } from "./report.ts"

const calls = 500
const gets = 200
const batches = 20
const syncs = 100

const timed = (body: string) => `import { createAction } from "nango"
import { z } from "zod"
export default createAction({
  description: "Times calls", input: z.any(), output: z.any(),
  exec: async (nango, input) => {
    const times: number[] = []
    for (let index = 0; index < input.count; index++) {
      const start = performance.now()
      ${body}
      times.push(performance.now() - start)
    }
    return times
  },
})
`

const load = `import { createSync } from "nango"
import { z } from "zod"
import { makeBatch } from "./records.js"
export default createSync({
  description: "Saves now and then", frequency: "every day", autoStart: false, models: { Ticket: z.object({ id: z.string() }) },
  exec: async (nango) => {
    const { batches, size, pauseMs, warm } = await nango.getMetadata()
    const times: number[] = []
    for (let index = 0; index < batches; index++) {
      const records = makeBatch(index * size, size, 1)
      const start = performance.now()
      await nango.batchSave(records, "Ticket")
      times.push(performance.now() - start)
      if (pauseMs) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    if (!warm) await nango.updateMetadata({ times })
  },
})
`

const project = {
  "index.ts": ["actions/log", "actions/fetch", "syncs/load"].map((file) => `import "./bench/${file}.js"`).join("\n"),
  "bench/actions/log.ts": timed("await nango.log('a line', { level: 'debug' })"),
  "bench/actions/fetch.ts": timed("await nango.get({ endpoint: '/kilobyte', baseUrlOverride: input.url })"),
  "bench/syncs/load.ts": load,
}

/**
 * What one SDK call costs from the guest to the daemon and back, what a function's start costs, and what a hundred syncs at
 * once do to `/health`. The bases are the same work done in this process without any of it.
 */
export async function measureCalls(): Promise<Line[]> {
  const provider = Bun.serve({ port: 0, fetch: () => new Response("x".repeat(1024)) })
  const records = await Bun.file(new URL("./records.ts", import.meta.url)).text()
  const env = {
    SLUICE_EGRESS_ALLOW: "127.0.0.0/8",
    SLUICE_SYNC_CONCURRENCY: String(syncs),
    SLUICE_RUNNER_MAX: String(syncs + 10),
    SLUICE_LOG_LEVEL: "info",
  }
  const dataDir = temporaryFolder("bench")
  const sluice = await startSluice({ env, dataDir })
  const lines: Line[] = []
  const call = (path: string, body: unknown, method = "POST") => must(sluice, method, path, { body })
  const connect = (id: string) =>
    call("/connections", { provider_config_key: "bench", connection_id: id, credentials: { type: "NONE" } })
  const act = async (name: string, input: unknown): Promise<number[]> => {
    const answer = await must(sluice, "POST", "/action/trigger", {
      headers: onBench("calls"),
      body: { action_name: name, input },
    })
    return answer.body as number[]
  }
  const sync = async (id: string, metadata: unknown) => {
    const names = { provider_config_key: "bench", connection_id: id }
    await call("/connections/metadata", { ...names, metadata })
    await call("/sync/trigger", { ...names, syncs: ["load"] })
  }
  const ended = (id: string) =>
    until(
      async () => {
        const { body } = await must(
          sluice,
          "GET",
          `/sync/status?syncs=load&provider_config_key=bench&connection_id=${id}`,
        )
        return body.syncs[0]?.finishedAt
      },
      `the sync of ${id}`,
      120_000,
    )
  try {
    await call("/integrations", { provider: "unauthenticated", unique_key: "bench" })
    await deploy(sluice, { ...project, "bench/syncs/records.ts": records })
    await call("/sluice/environment/variables", [{ name: "NANGO_LOGGER_LEVEL", value: "debug" }], "PUT")
    await connect("calls")
    const logs = await act("log", { count: calls })
    const url = `http://127.0.0.1:${provider.port}`
    const fetched = await act("fetch", { count: gets, url })
    await sync("calls", { batches, size: 1000 })
    await ended("calls")
    const { body } = await must(sluice, "GET", "/connections/calls?provider_config_key=bench")
    const saved = body.metadata.times as number[]
    lines.push(
      line(
        "SDK call log",
        logs,
        await timeHere(calls, async () => JSON.stringify({ level: "debug", message: "a line" })),
      ),
      line("SDK call get of 1 KB", fetched, await timeHere(gets, () => fetch(`${url}/kilobyte`).then((r) => r.text()))),
      line(
        "SDK call batchSave of 1,000",
        saved,
        await timeHere(batches, async (n) =>
          makeBatch(n * 1000, 1000, 1)
            .map((r) => JSON.stringify(r))
            .join("\n"),
        ),
      ),
    )
    lines.push(...(await measureCrowd(sluice.url, { connect, sync, ended })))
  } finally {
    await sluice.stop()
    await provider.stop(true)
  }
  return [...lines, ...(await measureStarts(dataDir, sluice.key))]
}

/** The first run of a daemon that keeps no process warm, and the ones after it. */
async function measureStarts(dataDir: string, key: string): Promise<Line[]> {
  const sluice = await startSluice({ dataDir, key, env: { SLUICE_RUNNER_WARM: "0" } })
  const run = async () => {
    const start = performance.now()
    await must(sluice, "POST", "/action/trigger", {
      headers: onBench("calls"),
      body: { action_name: "log", input: { count: 0 } },
    })
    return performance.now() - start
  }
  try {
    const cold = await run()
    const warm = await timeHere(50, run)
    return [
      { what: "function start, cold", value: cold, unit: "ms", detail: "process, Worker and realm; one sample" },
      {
        what: "function start, warm p50",
        value: quantile(warm, 0.5),
        unit: "ms",
        detail: `${(cold / quantile(warm, 0.5)).toFixed(1)}x faster`,
      },
    ]
  } finally {
    await sluice.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

type Crowd = {
  connect: (id: string) => Promise<unknown>
  sync: (id: string, metadata: unknown) => Promise<void>
  ended: (id: string) => Promise<unknown>
}

/** `/health` every ten milliseconds while a hundred syncs run at once. */
async function measureCrowd(url: string, { connect, sync, ended }: Crowd): Promise<Line[]> {
  const ids = Array.from({ length: syncs }, (_, index) => `crowd-${index}`)
  for (const id of ids) await connect(id)
  const times: number[] = []
  let running = true
  const polling = (async () => {
    while (running) {
      const start = performance.now()
      await fetch(`${url}/health`).then((answer) => answer.text())
      times.push(performance.now() - start)
      await Bun.sleep(10)
    }
  })()
  for (const id of ids) await sync(id, { batches: 20, size: 100, pauseMs: 200, warm: true })
  for (const id of ids) await ended(id)
  running = false
  await polling
  const detail = `p50 ${quantile(times, 0.5).toFixed(2)} ms, ${times.length} requests`
  return [
    {
      what: `/health p99, ${syncs} syncs at once`,
      value: quantile(times, 0.99),
      unit: "ms",
      detail,
      aim: { most: 50 },
    },
  ]
}

async function timeHere(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    const start = performance.now()
    await work(index)
    times.push(performance.now() - start)
  }
  return times
}

function line(what: string, ours: number[], base: number[]): Line {
  const [p50, here] = [quantile(ours, 0.5), quantile(base, 0.5)]
  const detail = `p99 ${quantile(ours, 0.99).toFixed(2)} ms; ${(p50 / here).toFixed(1)}x in this process`
  return { what: `${what} p50`, value: p50, unit: "ms", detail }
}
