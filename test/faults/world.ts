import { afterAll } from "bun:test"
import type { FakeProvider } from "../../src/fake-provider/server.ts"
import { startWithFake } from "../helpers/setup.ts"
import { type Sluice, startSluice, temporaryFolder } from "../helpers/sluice.ts"

/** One data directory over the lives of many daemons, and a fake provider that outlives them. */
export type World = {
  fake: FakeProvider
  dataDir: string
  env: Record<string, string>
  start: () => Promise<Sluice>
}

const started: Sluice[] = []
// A test that fails in the middle must not leave its daemon running.
afterAll(async () => void (await Promise.all(started.map((sluice) => sluice.kill()))))

/** Starts the fake provider and a first daemon, whose directory the later ones go on with. */
export async function openWorld(options: {
  items?: number
  itemBytes?: number
  env?: Record<string, string>
  dataDir?: string
}): Promise<{ world: World; sluice: Sluice }> {
  const dataDir = options.dataDir ?? temporaryFolder("faults")
  const key = crypto.randomUUID()
  const { fake, sluice, env } = await startWithFake({
    fake: { items: options.items ?? 100, itemBytes: options.itemBytes ?? 500 },
    sluice: { dataDir, key, env: options.env },
  })
  started.push(sluice)
  const withKey = { ...env, SLUICE_SECRET_KEY: key }
  const start = async () => {
    const next = await startSluice({ dataDir, key, env: withKey })
    started.push(next)
    return next
  }
  return { world: { fake, dataDir, env: withKey, start }, sluice }
}

/** The one sync of that name as the API shows it. */
export async function statusOf(sluice: Sluice, name: string): Promise<any> {
  const { body, text } = await sluice.call(
    "GET",
    `/sync/status?syncs=${name}&provider_config_key=fake&connection_id=c1`,
  )
  if (!body?.syncs?.[0]) throw new Error(`No status of ${name}: ${text}`)
  return body.syncs[0]
}

export async function command(sluice: Sluice, verb: "trigger" | "pause" | "start", name: string): Promise<void> {
  const body = { syncs: [name], provider_config_key: "fake", connection_id: "c1" }
  const answer = await sluice.call("POST", `/sync/${verb}`, { body })
  if (answer.status !== 200) throw new Error(`${verb} answered ${answer.status}: ${answer.text}`)
}

/** Operations of one kind, newest first: what the owner sees of runs that failed. */
export async function operationsOf(sluice: Sluice, type: "sync" | "action"): Promise<any[]> {
  const { body, text } = await sluice.call("GET", `/sluice/logs?type=${type}`)
  if (!body?.data) throw new Error(`No operations: ${text}`)
  return body.data
}
