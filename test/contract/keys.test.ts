import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import type { Sluice } from "../helpers/sluice.ts"
import { actionFile, mirrorMetadata } from "./functions.ts"
import { apiKey, type Connection, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
let at: Connection
let prod: string
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
  at = await stage(
    sluice,
    { "syncs/things.ts": mirrorMetadata, "actions/echo.ts": actionFile("return input") },
    { metadata: { rows: [{ id: "a" }] } },
  )
  await at.run("things")
  prod = /prod +([0-9a-f-]{36})/.exec(sluice.output())?.[1] ?? ""
})
afterAll(() => world[Symbol.asyncDispose]())

type Call = [method: string, path: string, body?: unknown]
/** One call of every route that needs a key, about the given integration and connection. */
const calls = (key: string, id: string): Call[] => [
  ["GET", "/integrations"],
  ["GET", `/integrations/${key}?include=credentials`],
  ["PATCH", `/integrations/${key}`, { display_name: "taken over" }],
  ["DELETE", `/integrations/${key}`],
  ["POST", "/integrations", { provider: "no-such", unique_key: key }],
  ["GET", "/connections"],
  ["GET", `/connections?connectionId=${id}`],
  ["GET", `/connections/${id}?provider_config_key=${key}`],
  ["GET", `/connection/${id}?provider_config_key=${key}`],
  ["PATCH", `/connections/${id}?provider_config_key=${key}`, { tags: { a: "b" } }],
  ["DELETE", `/connections/${id}?provider_config_key=${key}`],
  ["POST", "/connections", { provider_config_key: key, connection_id: id, credentials: apiKey }],
  ["POST", "/connections/metadata", { provider_config_key: key, connection_id: id, metadata: { a: 1 } }],
  ["PATCH", "/connections/metadata", { provider_config_key: key, connection_id: [id], metadata: { a: 1 } }],
  ["GET", "/records?model=Thing"],
  ["PATCH", "/records/prune", { model: "Thing", until_cursor: "MQ" }],
  ["POST", "/sync/trigger", { provider_config_key: key, connection_id: id, syncs: ["things"] }],
  ["POST", "/sync/trigger", { provider_config_key: key, syncs: [] }],
  ["POST", "/sync/start", { provider_config_key: key, connection_id: id, syncs: [] }],
  ["POST", "/sync/pause", { provider_config_key: key, connection_id: id, syncs: [] }],
  ["GET", `/sync/status?provider_config_key=${key}&connection_id=${id}&syncs=*`],
  [
    "PUT",
    "/sync/update-connection-frequency",
    { provider_config_key: key, connection_id: id, sync_name: "things", frequency: "1d" },
  ],
  ["GET", "/environment-variables"],
  ["POST", "/action/trigger", { action_name: "echo", input: {} }],
  ["POST", "/sluice/deploy", { files: { [`${key}/syncs/things.ts`]: mirrorMetadata }, mode: "apply" }],
]
const send = (key: string | null | undefined, [method, path, body]: Call, about: { key: string; id: string }) =>
  sluice.call(method, path, { key, body, headers: { "connection-id": about.id, "provider-config-key": about.key } })

test.each([
  ["no key", null, undefined, "missing_auth_header"],
  ["an unknown key", crypto.randomUUID(), undefined, "unknown_account"],
  ["a key of no kind", "secret", undefined, "invalid_secret_key_format"],
  ["a key in capitals", "A1B2C3D4-0000-4000-8000-00000000000A", undefined, "invalid_secret_key_format"],
  ["an empty key", "", undefined, "invalid_secret_key_format"],
  ["another scheme", null, "Basic dTpw", "invalid_secret_key_format"],
])("%s opens no route", async (_what, key, authorization, code) => {
  for (const call of calls(at.key, at.id)) {
    const headers = authorization === undefined ? undefined : { authorization }
    const answer = await sluice.call(call[0], call[1], { key, body: call[2], headers })
    expect([call[1], answer.status, answer.body]).toEqual([
      call[1],
      401,
      { error: { code, message: expect.any(String), payload: {} } },
    ])
  }
})

test("the key may come without Bearer and with it in any case", async () => {
  for (const authorization of [sluice.key, `bearer ${sluice.key}`, `BEARER ${sluice.key}`]) {
    expect((await sluice.call("GET", "/integrations", { key: null, headers: { authorization } })).status).toBe(200)
  }
})

test("another environment's key: every answer is that for things that do not exist", async () => {
  const before = [
    await at.status("things"),
    await at.records("Thing"),
    (await sluice.call("GET", "/integrations")).body,
  ]
  const nowhere = { key: "not-anywhere", id: "nobody-here" }
  const generic = (text: string, { key, id }: { key: string; id: string }) =>
    text.replaceAll(key, "<key>").replaceAll(id, "<id>")
  const there = calls(at.key, at.id)
  for (const [index, call] of calls(nowhere.key, nowhere.id).entries()) {
    const missing = await send(prod, call, nowhere)
    const other = await send(prod, there[index]!, at)
    expect([call, other.status, generic(other.text, at)]).toEqual([
      call,
      missing.status,
      generic(missing.text, nowhere),
    ])
  }
  expect([
    await at.status("things"),
    await at.records("Thing"),
    (await sluice.call("GET", "/integrations")).body,
  ]).toEqual(before)
})

test("the same names may live in both environments, apart from each other", async () => {
  const integration = { provider: "fake", unique_key: at.key }
  expect((await sluice.call("POST", "/integrations", { key: prod, body: integration })).status).toBe(200)
  const body = {
    provider_config_key: at.key,
    connection_id: at.id,
    credentials: { type: "API_KEY", apiKey: "of-prod" },
  }
  expect((await sluice.call("POST", "/connections", { key: prod, body })).status).toBe(201)
  const records = await sluice.call("GET", "/records?model=Thing", { key: prod, headers: at.headers })
  expect(records.body).toEqual({ records: [], next_cursor: null })
  const acted = await sluice.call("POST", "/action/trigger", {
    key: prod,
    headers: at.headers,
    body: { action_name: "echo" },
  })
  expect([acted.status, acted.body.error.code]).toEqual([404, "not_found"])
  const path = `/connections/${at.id}?provider_config_key=${at.key}`
  expect((await sluice.call("GET", path)).body.credentials).toEqual(apiKey)
  expect((await sluice.call("DELETE", `/integrations/${at.key}`, { key: prod })).status).toBe(200)
  expect((await sluice.call("GET", path)).body.credentials).toEqual(apiKey)
  expect((await at.records("Thing")).records).toHaveLength(1)
})

test("health and readiness need no key", async () => {
  for (const path of ["/health", "/ready"]) {
    const answer = await sluice.call("GET", path, { key: null })
    expect([answer.status, answer.body]).toEqual([200, { result: "ok" }])
  }
})
