import { deploy, type Sluice, startSluice } from "../test/helpers/sluice.ts"
import { project } from "./functions.ts"
import { cpuMs } from "./processes.ts"
import type { Timing } from "./report.ts"

export type Fill = { count: number; batch: number; version: number }

/** A daemon with the benchmark's functions deployed; everything goes through its HTTP API. */
export async function startDaemon() {
  const sluice = await startSluice()
  try {
    await must(sluice, "POST", "/integrations", { body: { provider: "unauthenticated", unique_key: "bench" } })
    await deploy(sluice, project)
  } catch (error) {
    await sluice.stop()
    throw error
  }
  return {
    sluice,
    /** Processor time of the daemon and its runners since it started, in milliseconds. */
    cpuMs: () => cpuMs(sluice.pid),
    connect: (connectionId: string) =>
      must(sluice, "POST", "/connections", {
        body: { provider_config_key: "bench", connection_id: connectionId, credentials: { type: "NONE" } },
      }),
    fill: (connectionId: string, input: Fill) => fill(sluice, connectionId, input),
    stop: () => sluice.stop(),
  }
}

export type Daemon = Awaited<ReturnType<typeof startDaemon>>

/** The headers that name a connection of the benchmark. */
export const onBench = (connectionId: string) => ({ "connection-id": connectionId, "provider-config-key": "bench" })

/**
 * One run of the filling sync. `ms` is what its calls of `batchSave` took, as the function itself saw it; `runMs` is from
 * the trigger to the end that the daemon reports.
 */
async function fill(sluice: Sluice, connectionId: string, input: Fill): Promise<Timing & { runMs: number }> {
  const names = { provider_config_key: "bench", connection_id: connectionId }
  await must(sluice, "POST", "/connections/metadata", { body: { ...names, metadata: { ...input } } })
  const before = await lastFinish(sluice, connectionId)
  const cpu = cpuMs(sluice.pid)
  const start = Date.now()
  await must(sluice, "POST", "/sync/trigger", { body: { ...names, syncs: ["fill"] } })
  let finished: string | undefined
  while (finished === undefined || finished === before) {
    // Asking more often would be a tenth of the work that is measured.
    await Bun.sleep(200)
    finished = await lastFinish(sluice, connectionId)
  }
  const used = cpuMs(sluice.pid) - cpu
  const { body } = await must(sluice, "GET", `/connections/${connectionId}?provider_config_key=bench`)
  if (typeof body.metadata.saveMs !== "number") throw new Error(`The sync failed: ${sluice.output()}`)
  return { ms: body.metadata.saveMs, cpuMs: used, count: input.count, runMs: Date.parse(finished) - start }
}

async function lastFinish(sluice: Sluice, connectionId: string): Promise<string | undefined> {
  const query = `syncs=fill&provider_config_key=bench&connection_id=${connectionId}`
  const { body } = await must(sluice, "GET", `/sync/status?${query}`)
  const [status] = body.syncs
  return status?.status === "RUNNING" ? undefined : (status?.finishedAt ?? undefined)
}

export async function must(sluice: Sluice, ...[method, path, options]: Parameters<Sluice["call"]>) {
  const answer = await sluice.call(method, path, options)
  if (answer.status < 300) return answer
  throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`)
}
