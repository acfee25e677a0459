import { afterAll, beforeAll, expect, test } from "bun:test"
import { createKey } from "../../src/environments/keys.ts"
import { endpoints } from "../../src/http/api.ts"
import { startJob } from "../../src/runs/jobs.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { traceStore } from "../helpers/trace.ts"

/** Names of things of the environment dev, and names of nothing, of the same lengths. */
type Names = {
  key: string
  connection: string
  fn: string
  sync: string
  operation: string
  delivery: number
  received: string
  action: string
  dryrun: string
  deployment: string
}
type Call = { path: string; body?: unknown; headers?: Record<string, string> }

let t: TestApp
let there: Names
let stranger: string
let trace: ReturnType<typeof traceStore>
beforeAll(async () => {
  t = await testApp()
  there = await fill()
  const environment = t.prod.environment
  stranger = (await createKey(t.app, { environment, displayName: "stranger" })).secretKey
  trace = traceStore(t.app)
  // Statements of a first use (of a key, a cache) are behind us.
  await t.request("GET", "/integrations", { key: stranger })
})
afterAll(() => t.close())

async function fill(): Promise<Names> {
  const key = "private-thing"
  const connection = "customer-of-dev"
  await t.request("POST", "/integrations", { body: { provider: "private-api-bearer", unique_key: key } })
  const credentials = { type: "API_KEY", apiKey: "a-key-of-the-customer" }
  const made = await t.request("POST", "/connections", {
    body: { provider_config_key: key, connection_id: connection, credentials },
  })
  expect(made.status).toBe(201)
  const now = t.clock.now().getTime()
  await t.app.store.tx(async ({ db }) => {
    await db.run(
      `INSERT INTO functions (environment_id, integration_id, name, type, enabled, version, definition, code_hash, source, deployed_at, created_at)
       VALUES (1, 1, 'do-thing', 'action', 1, '1', '{"scopes":[],"models":[],"modelSchemas":{"definitions":{}},"endpoints":[{"method":"POST","path":"/do"}]}', 'x', 'standalone', ${now}, ${now})`,
    )
    await db.run(`INSERT INTO function_code (function_id, code, source) VALUES (1, 'code-of-dev', 'source-of-dev')`)
    await db.run(
      `INSERT INTO syncs (id, environment_id, connection_id, integration_id, name, variant, accept_deletes, created_at)
       VALUES ('11111111-1111-4111-8111-111111111111', 1, 1, 1, 'get-thing', 'base', 0, ${now})`,
    )
  })
  const delivery = 4_242_424
  await t.app.store.tx(({ db }) =>
    db.run(
      `INSERT INTO webhook_deliveries (id, event_id, environment_id, lane, type, url, headers, body, state, attempts, created_at)
       VALUES (${delivery}, 'e', 1, 'l', 'sync', 'https://example.com/of-dev', '{}', '{"of":"dev"}', 'failed', 1, ${now})`,
    ),
  )
  const received = "66666666-6666-4666-8666-666666666666"
  await t.app.store.tx(({ db }) =>
    db.run(
      `INSERT INTO webhook_inbox (id, environment_id, integration_id, integration, state, types, connections, envelope, body, replays, received_at)
       VALUES ('${received}', 1, 1, '${key}', 'unmatched', '[]', '[]', 'sealed', x'6f66646576', 0, ${now})`,
    ),
  )
  const action = "55555555-5555-4555-8555-555555555555"
  await t.app.store.tx(({ db }) =>
    db.run(
      `INSERT INTO async_actions (id, environment_id, connection_row, connection, integration, action, input, state, attempts, max_retries, output, created_at, next_at, finished_at)
       VALUES ('${action}', 1, 1, 'c', 'i', 'a', '{}', 'succeeded', 1, 0, '"of dev"', ${now}, ${now}, ${now})`,
    ),
  )
  const job = (kind: "dryrun" | "deployment") =>
    startJob(t.ctx, { kind, about: { of: "dev" }, limitMs: 1_000, work: () => Promise.resolve({}) }).id
  const operation = t.app.logs.open({ environmentId: 1, type: "deploy", action: "custom", message: "of dev" })
  operation.close("success")
  await t.app.logs.flush()
  return {
    key,
    connection,
    fn: "do-thing",
    sync: "get-thing",
    operation: operation.id,
    delivery,
    received,
    action,
    dryrun: job("dryrun"),
    deployment: job("deployment"),
  }
}

const nothing = (): Names => ({
  key: "absent-object",
  connection: "customer-of-xyz",
  fn: "no-thing",
  sync: "not-thing",
  operation: there.operation.replace(/.{8}$/, "zzzzzzzz"),
  delivery: 4_242_425,
  received: "77777777-7777-4777-8777-777777777777",
  action: "22222222-2222-4222-8222-222222222222",
  dryrun: "33333333-3333-4333-8333-333333333333",
  deployment: "44444444-4444-4444-8444-444444444444",
})

const headersOf = ({ key, connection }: Names) => ({ "connection-id": connection, "provider-config-key": key })
const pair = ({ key, connection }: Names) => ({ provider_config_key: key, connection_id: connection })
const ofConnection = ({ key, connection }: Names) => `/connections/${connection}?provider_config_key=${key}`
const credentials = { type: "API_KEY", apiKey: "k" }

/** How each route that names something is called. A new route with an id needs a line here. */
const calls: Record<string, (names: Names) => Call> = {
  "GET /integrations/:uniqueKey": ({ key }) => ({ path: `/integrations/${key}?include=credentials` }),
  "PATCH /integrations/:uniqueKey": ({ key }) => ({ path: `/integrations/${key}`, body: { display_name: "mine" } }),
  "DELETE /integrations/:uniqueKey": ({ key }) => ({ path: `/integrations/${key}` }),
  "GET /integrations/:uniqueKey/functions": ({ key }) => ({ path: `/integrations/${key}/functions` }),
  "GET /integrations/:uniqueKey/functions/:name": ({ key, fn }) => ({ path: `/integrations/${key}/functions/${fn}` }),
  "GET /integrations/:uniqueKey/functions/:name/code": ({ key, fn }) => ({
    path: `/integrations/${key}/functions/${fn}/code`,
  }),
  "DELETE /integrations/:uniqueKey/functions/:name": ({ key, fn }) => ({
    path: `/integrations/${key}/functions/${fn}?type=action`,
  }),
  "GET /config/:providerConfigKey": ({ key }) => ({ path: `/config/${key}?include_creds=true` }),
  "DELETE /config/:providerConfigKey": ({ key }) => ({ path: `/config/${key}` }),
  "PUT /config": ({ key }) => ({
    path: "/config",
    body: { provider: "private-api-bearer", provider_config_key: key },
  }),
  "GET /connections/:connectionId": (names) => ({ path: ofConnection(names) }),
  "PATCH /connections/:connectionId": (names) => ({ path: ofConnection(names), body: { tags: { a: "b" } } }),
  "DELETE /connections/:connectionId": (names) => ({ path: ofConnection(names) }),
  "GET /connection/:connectionId": (names) => ({ path: ofConnection(names).replace("ons/", "on/") }),
  "PATCH /connection/:connectionId": (names) => ({ path: ofConnection(names).replace("ons/", "on/"), body: {} }),
  "DELETE /connection/:connectionId": (names) => ({ path: ofConnection(names).replace("ons/", "on/") }),
  "GET /connections": ({ key, connection }) => ({
    path: `/connections?connectionId=${connection}&integrationId=${key}`,
  }),
  "GET /connection": ({ key, connection }) => ({ path: `/connection?connectionId=${connection}&integrationId=${key}` }),
  "POST /connections": (names) => ({ path: "/connections", body: { ...pair(names), credentials } }),
  "POST /connection": (names) => ({ path: "/connection", body: { ...pair(names), api_key: "k" } }),
  "POST /connections/metadata": (names) => ({ path: "/connections/metadata", body: { ...pair(names), metadata: {} } }),
  "PATCH /connections/metadata": (names) => ({ path: "/connections/metadata", body: { ...pair(names), metadata: {} } }),
  "POST /connection/metadata": (names) => ({ path: "/connection/metadata", body: { ...pair(names), metadata: {} } }),
  "PATCH /connection/metadata": (names) => ({ path: "/connection/metadata", body: { ...pair(names), metadata: {} } }),
  "POST /connection/:connectionId/metadata": ({ key, connection }) => ({
    path: `/connection/${connection}/metadata?provider_config_key=${key}`,
    body: {},
  }),
  "PATCH /connection/:connectionId/metadata": ({ key, connection }) => ({
    path: `/connection/${connection}/metadata?provider_config_key=${key}`,
    body: {},
  }),
  "GET /records": (names) => ({ path: "/records?model=Thing", headers: headersOf(names) }),
  "GET /sync/records": (names) => ({ path: "/sync/records/?model=Thing", headers: headersOf(names) }),
  "PATCH /records/prune": (names) => ({
    path: "/records/prune",
    headers: headersOf(names),
    body: { model: "Thing", until_cursor: Buffer.from("change:1").toString("base64url") },
  }),
  ...Object.fromEntries(
    ["/sync/trigger", "/sync/start", "/sync/pause", "/sluice/syncs/accept-deletes"].map((path) => [
      `POST ${path}`,
      (names: Names) => ({ path, body: { ...pair(names), syncs: [names.sync] } }),
    ]),
  ),
  "GET /sync/status": ({ key, connection, sync }) => ({
    path: `/sync/status?syncs=${sync}&provider_config_key=${key}&connection_id=${connection}`,
  }),
  "PUT /sync/update-connection-frequency": (names) => ({
    path: "/sync/update-connection-frequency",
    body: { ...pair(names), sync_name: names.sync, frequency: "1d" },
  }),
  "POST /sync/:name/variant/:variant": (names) => ({ path: `/sync/${names.sync}/variant/v`, body: pair(names) }),
  "DELETE /sync/:name/variant/:variant": (names) => ({ path: `/sync/${names.sync}/variant/v`, body: pair(names) }),
  "POST /action/trigger": (names) => ({
    path: "/action/trigger",
    headers: headersOf(names),
    body: { action_name: names.fn },
  }),
  "POST /mcp": (names) => ({
    path: "/mcp",
    headers: headersOf(names),
    body: { jsonrpc: "2.0", id: 1, method: "tools/list" },
  }),
  ...Object.fromEntries(
    ["GET", "POST", "PUT", "PATCH", "DELETE"].map((method) => [
      `${method} /v1/*`,
      (names: Names) => ({ path: "/v1/do", headers: headersOf(names) }),
    ]),
  ),
  "GET /sluice/webhooks/deliveries/:id": ({ delivery }) => ({ path: `/sluice/webhooks/deliveries/${delivery}` }),
  "POST /sluice/webhooks/deliveries/:id/redeliver": ({ delivery }) => ({
    path: `/sluice/webhooks/deliveries/${delivery}/redeliver`,
  }),
  "GET /sluice/webhooks/inbox/:id": ({ received }) => ({ path: `/sluice/webhooks/inbox/${received}` }),
  "POST /sluice/webhooks/inbox/:id/replay": ({ received }) => ({ path: `/sluice/webhooks/inbox/${received}/replay` }),
  "GET /sluice/records/changes": (names) => ({ path: "/sluice/records/changes", headers: headersOf(names) }),
  "GET /action/:id": ({ action }) => ({ path: `/action/${action}` }),
  "GET /functions/dryruns/:id": ({ dryrun }) => ({ path: `/functions/dryruns/${dryrun}` }),
  "POST /functions/dryruns/:id/result": ({ dryrun }) => ({ path: `/functions/dryruns/${dryrun}/result` }),
  "GET /functions/deployments/:id": ({ deployment }) => ({ path: `/functions/deployments/${deployment}` }),
  "POST /functions/deployments/:id/result": ({ deployment }) => ({
    path: `/functions/deployments/${deployment}/result`,
  }),
  "POST /connect/sessions/reconnect": ({ key, connection }) => ({
    path: "/connect/sessions/reconnect",
    body: { integration_id: key, connection_id: connection },
  }),
  "GET /sluice/logs/:id": ({ operation }) => ({ path: `/sluice/logs/${operation}` }),
}

/** Routes whose ids name nothing that belongs to one environment, or that only keys of the whole account may call. */
const elsewhere = [/^\w+ (\/sluice)?\/providers\//, /^\w+ \/environments\//]

const named = endpoints.filter(
  ({ access, path, headers }) =>
    access === "key" && (/[:*]/.test(path) || JSON.stringify(Object.keys(headers ?? {})).includes("connection-id")),
)
test("every route with an id in its path is in the table", () => {
  const missing = named
    .map(({ method, path }) => `${method} ${path}`)
    .filter((name) => !(name in calls) && !elsewhere.some((pattern) => pattern.test(name)))
  expect(missing).toEqual([])
})

test.each(Object.keys(calls))("%s: a stranger is told, by the same work, that there is nothing", async (route) => {
  const [method = ""] = route.split(" ")
  const generic = (text: string, names: Names) =>
    Object.entries(names).reduce((whole, [name, value]) => whole.replaceAll(String(value), `<${name}>`), text)
  const send = async (names: Names) => {
    const { path, body, headers } = calls[route]!(names)
    trace.take()
    const answer = await t.request(method, path, { key: stranger, body, headers })
    return { status: answer.status, text: generic(answer.text, names), work: trace.take() }
  }
  const absent = await send(nothing())
  expect(await send(there)).toEqual(absent)
  expect(absent.work.length).toBeGreaterThan(0)
})

test("nothing of dev has changed", async () => {
  const at = `/connections/${there.connection}?provider_config_key=${there.key}`
  const { body } = await t.request("GET", at)
  expect([body.credentials.apiKey, body.tags, body.metadata]).toEqual(["a-key-of-the-customer", {}, {}])
  expect((await t.request("GET", `/integrations/${there.key}/functions/${there.fn}/code`)).body.code).toBe(
    "source-of-dev",
  )
})
