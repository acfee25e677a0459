import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { type Sluice, until } from "../helpers/sluice.ts"
import { actionFile, syncFile } from "./functions.ts"
import { connectionAt, deployTo, expectStatus, importConnection, mintIntegration, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
})
afterAll(() => world[Symbol.asyncDispose]())

const post = (path: string, body: unknown) => sluice.call("POST", `/functions/${path}`, { body })
const refusal = async (path: string, body: unknown) => {
  const answer = await post(path, body)
  return [answer.status, answer.body.error?.code]
}
/** Begins a job and waits for its end. */
async function carryOut(path: "dryruns" | "deployments", body: unknown): Promise<any> {
  const begun = expectStatus(await post(path, body), 202).body
  expect(begun).toEqual({ id: expect.any(String), status: "running", created_at: expect.any(String) })
  return until(async () => {
    const job = expectStatus(await sluice.call("GET", `/functions/${path}/${begun.id}`), 200).body
    return job.completed_at && job
  }, "the job to end")
}
const dryrun = (at: { key: string; id: string }, function_type: string, code: string, more: object = {}) =>
  carryOut("dryruns", { integration_id: at.key, function_type, code, connection_id: at.id, ...more })
const deployment = (at: { key: string }, function_type: string, code: string, more: object = {}) =>
  carryOut("deployments", {
    type: "function",
    integration_id: at.key,
    function_name: "alone",
    function_type,
    code,
    ...more,
  })

test("compile answers the bundle, or what is wrong", async () => {
  const { body } = expectStatus(await post("compile", { code: actionFile("return 1") }), 200)
  expect(body).toEqual({
    bundle_size_bytes: Buffer.byteLength(body.bundled_js),
    bundled_js: expect.stringContaining("exec"),
    compiled_at: expect.any(String),
  })
  const bad = await post("compile", { code: `import fs from "fs"\n${actionFile("return fs")}` })
  expect([bad.status, bad.body.error.code]).toEqual([400, "compilation_error"])
  expect(bad.body.error.payload.diagnostics[0]).toMatchObject({ code: "disallowed_import", line: 1 })
  expect(await refusal("compile", { code: "" })).toEqual([400, "invalid_body"])
  expect(await refusal("compile", { code: "x", more: 1 })).toEqual([400, "invalid_body"])
})

test("a dry run of an action gives its output, and stores nothing", async () => {
  const at = await stage(sluice, {})
  const code = actionFile(`await nango.log("here"); await nango.setMetadata({ a: 1 }); return { got: input }`)
  const job = await dryrun(at, "action", code, { input: { x: 1 } })
  expect(job).toMatchObject({
    status: "success",
    integration_id: at.key,
    function_type: "action",
    result: { got: { x: 1 } },
    duration_ms: expect.any(Number),
  })
  expect(job.output).toContain("here")
  expect(job.error).toBeUndefined()
  const connection = await sluice.call("GET", `/connections/${at.id}?provider_config_key=${at.key}`)
  expect(connection.body.metadata).toEqual({})
  expect((await at.act("function")).status).toBe(404)
})

test("a dry run of a sync gives what it would store, with metadata, checkpoint and date as given", async () => {
  const at = await stage(sluice, {})
  const code = syncFile(`
    const found = { date: nango.lastSyncDate?.toISOString(), ...(await nango.getMetadata()), ...(await nango.getCheckpoint()) }
    await nango.batchSave([{ id: "1", found }], "Thing")
    await nango.saveCheckpoint({ page: 3 })`)
  const job = await dryrun(at, "sync", code, {
    metadata: { team: "red" },
    checkpoint: { page: 2 },
    last_sync_date: "2026-01-02T03:04:05.000Z",
  })
  expect(job.error).toBeUndefined()
  expect(job.result.counts).toEqual({ Thing: { added: 1, updated: 0, deleted: 0, unchanged: 0 } })
  expect(job.result.checkpoint).toEqual({ from: { page: 2 }, to: { page: 3 } })
  expect(job.output).toContain('"team":"red"')
  expect(job.output).toContain("2026-01-02T03:04:05.000Z")
})

test("dry runs that go wrong say how", async () => {
  const at = await stage(sluice, {})
  const thrown = await dryrun(at, "action", actionFile(`await nango.log("before"); throw new Error("it broke")`))
  expect(thrown).toMatchObject({ status: "failed", error: { code: "dryrun_error" } })
  expect(JSON.stringify(thrown.error)).toContain("it broke")
  expect(thrown.output).toContain("before")
  expect((await dryrun(at, "action", "export default 1")).error.code).toBe("compilation_error")
  expect((await dryrun(at, "action", syncFile(""))).error).toMatchObject({ code: "dryrun_error" })
})

test("who begins a dry run names what is there; others see none of it", async () => {
  const at = await stage(sluice, {})
  const asked = { integration_id: at.key, function_type: "action", code: actionFile(""), connection_id: at.id }
  expect(await refusal("dryruns", { ...asked, integration_id: "nowhere" })).toEqual([404, "integration_not_found"])
  expect(await refusal("dryruns", { ...asked, connection_id: "nobody" })).toEqual([404, "connection_not_found"])
  expect(await refusal("dryruns", { ...asked, function_type: "on-event" })).toEqual([400, "invalid_body"])
  expect(await refusal("dryruns", { ...asked, more: 1 })).toEqual([400, "invalid_body"])
  const { id } = expectStatus(await post("dryruns", asked), 202).body
  const prod = expectStatus(await sluice.call("GET", "/environments?name=prod"), 200).body.data[0].id
  const made = await sluice.call("POST", `/environments/${prod}/api-keys`, { body: { display_name: "p" } })
  const key = made.body.data.secret
  for (const [path, code] of [
    [`dryruns/${id}`, "dryrun_not_found"],
    [`deployments/${id}`, "deployment_not_found"],
  ] as const) {
    const answer = await sluice.call("GET", `/functions/${path}`, { key })
    expect([answer.status, answer.body.error.code]).toEqual([404, code])
  }
  for (const path of [`dryruns/${id}/result`, `deployments/${id}/result`])
    expect(await refusal(path, { status: "success", output: "" })).toEqual([403, "forbidden"])
})

test("a deployed function runs, is counted on, and ends with its integration's route", async () => {
  const at = await stage(sluice, {})
  const act = (exec: string) => actionFile(exec).replace('version: "1.0.0",', "")
  const job = await deployment(at, "action", act("return 1"))
  expect(job).toMatchObject({
    status: "success",
    function_name: "alone",
    deployed: true,
    deployed_functions: [{ name: "alone", version: "1" }],
  })
  expect((await at.act("alone")).body).toBe(1)
  expect((await deployment(at, "action", act("return 2"))).deployed_functions[0].version).toBe("2")
  expect((await deployment(at, "action", act("return 2"))).deployed_functions[0].version).toBe("2")
  const given = await deployment(at, "action", actionFile("return 3"), { version: "3.0.0" })
  expect(given.deployed_functions).toEqual([{ name: "alone", version: "3.0.0" }])
  const shown = await sluice.call("GET", `/integrations/${at.key}/functions/alone`)
  expect(shown.body.data.source).toBe("standalone")
  expectStatus(await sluice.call("DELETE", `/integrations/${at.key}/functions/alone?type=action`), 200)
  expect((await at.act("alone")).status).toBe(404)
})

test("a deployed sync starts on the connections that are there; dropping a model must be allowed", async () => {
  const at = await stage(sluice, {})
  const models = "Thing: z.object({ id: z.string() }), Old: z.object({ id: z.string() })"
  const two = syncFile(`await nango.batchSave([{ id: "1" }], "Thing")`, { models, autoStart: true })
  expect((await deployment(at, "sync", two)).status).toBe("success")
  expect(await at.ended("alone")).toMatchObject({ status: "SUCCESS" })
  const one = syncFile("", { models: "Thing: z.object({ id: z.string() })", autoStart: true })
  expect((await deployment(at, "sync", one)).error).toMatchObject({ code: "deployment_error" })
  expect((await deployment(at, "sync", one, { allow_destructive: true })).status).toBe("success")
})

test("deployments that are refused", async () => {
  const key = await mintIntegration(sluice)
  await deployTo(sluice, key, { "actions/mine.ts": actionFile("return 1") })
  const asked = { type: "function", integration_id: key, function_name: "mine", function_type: "action" }
  const code = actionFile("return 2")
  expect(await refusal("deployments", { ...asked, code })).toEqual([400, "invalid_request"])
  expect(await refusal("deployments", { ...asked, code, integration_id: "nowhere" })).toEqual([
    404,
    "integration_not_found",
  ])
  const template = { type: "template", integration_id: key, template: "things" }
  expect(await refusal("deployments", template)).toEqual([404, "template_not_found"])
  expect((await deployment({ key }, "sync", code)).error.code).toBe("deployment_error")
  expect((await deployment({ key }, "action", "export default (")).error.code).toBe("compilation_error")
})

test("invocations are looked at, and declined", async () => {
  const key = await mintIntegration(sluice)
  const { connection_id } = await importConnection(sluice, key)
  const at = connectionAt(sluice, key, connection_id)
  await deployTo(sluice, key, { "actions/act.ts": actionFile("return 1"), "syncs/things.ts": syncFile("") })
  const asked = { connection_id: at.id, integration_id: key, name: "act", invocation_type: "wait" }
  expect(await refusal("invocations", asked)).toEqual([501, "not_implemented"])
  expect(await refusal("invocations", { ...asked, connection_id: "x" })).toEqual([404, "connection_not_found"])
  expect(await refusal("invocations", { ...asked, name: "x" })).toEqual([404, "unknown_function"])
  expect(await refusal("invocations", { ...asked, name: "things" })).toEqual([400, "invalid_invocation"])
  expect(await refusal("invocations", { ...asked, invocation_type: "soon" })).toEqual([400, "invalid_body"])
})
