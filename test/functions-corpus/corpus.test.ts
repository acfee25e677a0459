import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { diffJson, type Difference } from "../../src/fixtures/compare.ts"
import { fixturePath } from "../../src/fixtures/find.ts"
import { discoverFunctions } from "../../src/functions/discover.ts"
import { readProject } from "../../src/functions/project.ts"
import { syncEnded } from "../helpers/setup.ts"
import { runCli, temporaryFolder, until } from "../helpers/sluice.ts"
import { type Case, itemsAtFirst, projects } from "./cases.ts"
import { type Corpus, need, openCorpus, providersFolder } from "./stage.ts"

const catalogue = { SLUICE_PROVIDERS: providersFolder, HOME: temporaryFolder("home") }
const folderOf = (folder: string) => join(import.meta.dir, folder)
const read = (folder: string, at: string, webhook = false) => {
  const [integrationId = "", name = ""] = at.split("/")
  return JSON.parse(readFileSync(join(folderOf(folder), fixturePath({ integrationId, name }, webhook)), "utf8"))
}

describe("the fixtures", () => {
  test("there are sixty functions, each with a fixture and a case", async () => {
    let count = 0
    for (const { folder, cases } of projects) {
      const { entries } = discoverFunctions(await readProject(folderOf(folder)))
      const named = entries.map(({ integrationId, name }) => `${integrationId}/${name}`).toSorted()
      expect([...new Set(cases.map(({ at }) => at))].toSorted()).toEqual(named)
      count += named.length
    }
    expect(count).toBeGreaterThanOrEqual(60)
  })

  test.each(projects)("sluice test passes: $folder", async ({ folder, cases }) => {
    const { code, stdout } = await runCli(["test", folderOf(folder), "--json"], catalogue)
    const { results, totals } = JSON.parse(stdout)
    expect(results.filter(({ ok, missed }: any) => !ok || missed.length > 0)).toEqual([])
    expect({ code, totals }).toMatchObject({
      code: 0,
      totals: { passed: cases.length, failed: 0, without: 0, strays: [] },
    })
  })

  test.each(projects)("sluice check finds nothing: $folder", async ({ folder }) => {
    const { code, stdout, stderr } = await runCli(["check", folderOf(folder)], catalogue)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: expect.stringContaining("no problems") })
  })

  test("no secret of a connection is in a fixture", () => {
    for (const { folder, cases } of projects)
      for (const { at, webhook } of cases)
        expect(JSON.stringify(read(folder, at, webhook !== undefined))).not.toMatch(
          /the-(password|token|key|secret)-of/,
        )
  })
})

let corpus: Corpus
beforeAll(async () => {
  corpus = await openCorpus()
})
afterAll(() => corpus[Symbol.asyncDispose]())

async function deployProject(folder: string): Promise<void> {
  const files = await readProject(folderOf(folder))
  // Nothing may run at a time of its own: the fake provider's answers belong to one case at a time.
  const quiet = [...files].map(([path, text]) => [path, text.replaceAll("autoStart: true", "autoStart: false")])
  await need(corpus.sluice, "POST", "/sluice/deploy", { files: Object.fromEntries(quiet), mode: "apply" })
}

/** What was recorded at the recorder's address, as it would be at this one. */
const here = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll("http://127.0.0.1:43117", corpus.fake.url))

function differences(expected: unknown, got: unknown): Difference[] {
  const found: Difference[] = []
  diffJson(found, "", here(expected), got)
  return found
}

/** Every request of the recording was made. */
function expectRequests(fixture: any): void {
  const seen = new Set(corpus.fake.requests.map(({ method, path }) => `${method} ${decodeURIComponent(path)}`))
  const recorded = Object.entries<object>(fixture.api).flatMap(([method, paths]) =>
    Object.keys(paths).map((path) => `${method.toUpperCase()} ${decodeURIComponent(path)}`),
  )
  expect(recorded.filter((one) => !seen.has(one))).toEqual([])
}

async function runSync({ at }: Case, connectionId: string, status: string) {
  const [key = "", name = ""] = at.split("/")
  const query = `syncs=${name}&provider_config_key=${key}&connection_id=${connectionId}`
  const before = await need(corpus.sluice, "GET", `/sync/status?${query}`)
  const body = { syncs: [name], provider_config_key: key, connection_id: connectionId }
  await need(corpus.sluice, "POST", "/sync/trigger", body)
  const ended = await syncEnded(corpus.sluice, name, { connectionId, key, after: before.syncs[0].finishedAt })
  expect({ at, status: ended.latestExecutionStatus }).toEqual({ at, status })
  return ended
}

async function liveRecords(at: string, connectionId: string, model: string): Promise<Record<string, any>[]> {
  const headers = { "provider-config-key": at.split("/")[0] ?? "", "connection-id": connectionId }
  const { records } = await need(corpus.sluice, "GET", `/records?model=${model}&limit=1000`, undefined, headers)
  const live = records.filter((record: any) => record._nango_metadata.deleted_at === null)
  return live.map(({ _nango_metadata: _, ...record }: any) => record)
}

async function realSync(folder: string, one: Case): Promise<void> {
  const { fake, connect } = corpus
  const { at, metadata, faults = [], breaksOff, again, records } = one
  const fixture = read(folder, at)
  const connectionId = `real-${at.replace("/", "-")}`
  await connect(at.split("/")[0] ?? "", connectionId, metadata)
  fake.control({ reset: true, faults: breaksOff ?? faults })
  if (breaksOff) {
    await runSync(one, connectionId, "STOPPED")
    fake.control({ faults })
  }
  await runSync(one, connectionId, "SUCCESS")

  for (const [model, saved] of Object.entries<any[]>(fixture.nango.batchSave)) {
    const expected = new Map(here(saved).map((record: any) => [record.id, record]))
    const stored = await liveRecords(at, connectionId, model)
    expect(stored).toHaveLength(records ?? expected.size)
    const got = stored.filter(({ id }) => expected.has(id)).toSorted((a, b) => (a.id < b.id ? -1 : 1))
    const wanted = [...expected.values()].toSorted((a: any, b: any) => (a.id < b.id ? -1 : 1))
    expect(differences(wanted, got)).toEqual([])
  }
  if (one.checkpoint === undefined && one.lastSyncDate === undefined) expectRequests(fixture)
  if (!again) return
  const { collection, counts, update = 0, delete: gone = 0, create = 0 } = again
  fake.control({ mutate: { collection, update, delete: gone, create }, faults })
  const { latestResult } = await runSync(one, connectionId, "SUCCESS")
  const [model = ""] = Object.keys(fixture.nango.batchSave)
  expect({ at, ...latestResult[model] }).toEqual({ at, ...counts })
  expect(await liveRecords(at, connectionId, model)).toHaveLength(
    itemsAtFirst - (gone === counts.deleted ? gone : 0) + create,
  )
}

async function realAction(folder: string, { at, input, metadata, faults = [] }: Case): Promise<void> {
  const [integration = "", action_name = ""] = at.split("/")
  const connectionId = `real-${integration}-${action_name}`
  await corpus.connect(integration, connectionId, metadata)
  corpus.fake.control({ reset: true, faults })
  const headers = { "provider-config-key": integration, "connection-id": connectionId }
  const output = await need(corpus.sluice, "POST", "/action/trigger", { action_name, input }, headers)
  const fixture = read(folder, at)
  expect(differences(fixture.output, output)).toEqual([])
  expectRequests(fixture)
}

for (const { folder, cases } of projects) {
  const named = (one: Case) => discovered.get(one.at)
  const discovered = new Map(
    discoverFunctions(await readProject(folderOf(folder))).entries.map((entry) => [
      `${entry.integrationId}/${entry.name}`,
      entry.folderKind,
    ]),
  )
  const real = cases.filter(({ webhook }) => webhook === undefined)
  describe(`really run: ${folder}`, () => {
    beforeAll(() => deployProject(folder))
    test.each(real.filter((one) => named(one) === "sync"))("sync $at", (one) => realSync(folder, one))
    test.each(real.filter((one) => named(one) === "action"))("action $at", (one) => realAction(folder, one))
  })
}

test("a variant, really run, has records of its own", async () => {
  await deployProject("functions")
  await corpus.connect("shop", "variants")
  corpus.fake.control({ reset: true })
  const of = { provider_config_key: "shop", connection_id: "variants" }
  await need(corpus.sluice, "POST", "/sync/customers/variant/eu", of)
  await need(corpus.sluice, "POST", "/sync/trigger", { ...of, syncs: [{ name: "customers", variant: "eu" }] })
  const records = await until(async () => {
    const found = await liveRecords("shop/customers", "variants", "ShopCustomer&variant=eu")
    return found.length === itemsAtFirst ? found : undefined
  }, "the variant's records")
  expect(records[0]).toMatchObject({ id: "customers-eu_00000001", region: "eu" })
  expect(await liveRecords("shop/customers", "variants", "ShopCustomer")).toEqual([])
})

describe("event functions, really run", () => {
  const metadataOf = async (integration: string, connectionId: string) =>
    (await need(corpus.sluice, "GET", `/connections/${connectionId}?provider_config_key=${integration}`)).metadata
  const asked = (method: string, path: string) =>
    corpus.fake.requests.some((seen) => seen.method === method && seen.path === path)

  test("a connection is checked, registered, and unregistered when it goes", async () => {
    await deployProject("functions")
    corpus.fake.control({ reset: true })
    await corpus.connect("chat", "eventful")
    expect(asked("GET", "/headers")).toBe(true)
    const hook = await until(async () => (await metadataOf("chat", "eventful")).hook_id, "the hook to be registered")
    expect(hook).toBe("hooks_00000008")
    await need(corpus.sluice, "DELETE", "/connections/eventful?provider_config_key=chat")
    expect(asked("DELETE", `/collections/hooks/${hook}`)).toBe(true)
  })

  test("of the examples and of nango.yaml", async () => {
    await deployProject("../../examples")
    await corpus.connect("demo", "greeted")
    await until(async () => (await metadataOf("demo", "greeted")).pageSize === 100, "the greeting")
    await deployProject("legacy")
    corpus.fake.control({ reset: true })
    await corpus.connect("oldcrm", "greeted")
    const { body } = await corpus.fake.waitForRequest(({ path }) => path === "/collections/greetings")
    expect(JSON.parse(body)).toEqual({ to: "oldcrm" })
  })
})
