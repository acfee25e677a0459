import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import type { Sluice } from "../helpers/sluice.ts"
import { client, client042 } from "./clients.ts"
import { actionFile, mirrorMetadata } from "./functions.ts"
import { type Connection, connectionAt, importConnection, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
let at: Connection
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
  at = await stage(sluice, { "syncs/things.ts": mirrorMetadata, "actions/echo.ts": actionFile("return input") })
})
afterAll(() => world[Symbol.asyncDispose]())

const json = { "content-type": "application/json" }
/** Sends bytes as they are; `fetch` would tidy up the path. */
function raw(method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<[number, string]> {
  const lines = Object.entries({
    host: `127.0.0.1:${sluice.port}`,
    authorization: `Bearer ${sluice.key}`,
    connection: "close",
    ...(body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) }),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return send(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`)
}

async function send(request: string): Promise<[number, string]> {
  const answer = Promise.withResolvers<string>()
  let text = ""
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: sluice.port,
    socket: {
      data: (_socket, chunk) => void (text += chunk.toString()),
      close: () => answer.resolve(text),
      error: (_socket, error) => answer.reject(error),
    },
  })
  socket.write(request)
  const whole = await answer.promise
  return [Number(whole.split(" ")[1]), whole.slice(whole.indexOf("\r\n\r\n") + 4)]
}

test("GET and DELETE with a JSON type and no body", async () => {
  const own = await importConnection(sluice, at.key)
  const query = `provider_config_key=${at.key}`
  expect((await sluice.call("GET", "/connections", { headers: json })).status).toBe(200)
  expect((await sluice.call("GET", `/sync/status?syncs=*&${query}`, { headers: json })).status).toBe(200)
  expect((await sluice.call("DELETE", `/connections/${own.connection_id}?${query}`, { headers: json })).status).toBe(
    200,
  )
})

test("a DELETE with an empty object as body", async () => {
  const own = await importConnection(sluice, at.key)
  const path = `/connections/${own.connection_id}?provider_config_key=${at.key}`
  expect((await sluice.call("DELETE", path, { body: {} })).status).toBe(200)
})

test("an empty body is no body", async () => {
  const answer = await sluice.call("POST", "/integrations", { headers: json, body: "" })
  expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_body"])
})

test.each([
  "/integrations",
  "/connections/metadata",
  "/sync/trigger",
  "/records",
  "/action/trigger",
  "/environment-variables",
])("%s takes JSON only, and says so before it asks who calls", async (path) => {
  const headers = { "content-type": "text/plain" }
  for (const method of ["POST", "GET"]) {
    const answer = await sluice.call(method, path, { headers, key: null, ...(method === "POST" ? { body: "a" } : {}) })
    // A route that does not exist has no guard.
    if (answer.status === 404) continue
    expect([answer.status, answer.body]).toEqual([
      415,
      { error: { code: "invalid_content_type", message: "Content-Type header must be application/json" } },
    ])
  }
})

test("a JSON type with a charset, in any case of letters", async () => {
  for (const type of ["application/json; charset=utf-8", "Application/JSON"]) {
    const body = { connection_id: [], provider_config_key: at.key, metadata: {} }
    expect(
      (await sluice.call("POST", "/connections/metadata", { headers: { "content-type": type }, body })).status,
    ).toBe(201)
  }
})

test("malformed JSON is told before the key is looked at", async () => {
  const answer = await sluice.call("POST", "/sync/trigger", { key: null, body: "{" })
  expect([answer.status, answer.body.error.code, typeof answer.body.error.message]).toEqual([
    400,
    "invalid_json",
    "string",
  ])
})

test("a slash at the end and any case of the fixed parts", async () => {
  for (const path of ["/integrations/", "/Integrations", "/INTEGRATIONS/", `/CONNECTIONS?integrationId=${at.key}`]) {
    expect([path, (await sluice.call("GET", path)).status]).toEqual([path, 200])
  }
  const records = await sluice.call("GET", "/Records/?model=Thing", { headers: at.headers })
  expect(records.body).toEqual({ records: [], next_cursor: null })
  const acted = await sluice.call("POST", "/Action/Trigger/", {
    headers: at.headers,
    body: { action_name: "echo", input: 1 },
  })
  expect(acted.body).toBe(1)
  const upper = await importConnection(sluice, at.key, { connection_id: "Camel-Case/ID" })
  const path = `/Connections/${encodeURIComponent(upper.connection_id)}?provider_config_key=${at.key}`
  expect((await sluice.call("GET", path)).body.connection_id).toBe("Camel-Case/ID")
})

const ids = [
  "with spaces in it",
  "kim@example.com",
  "a|b",
  `{"tenant":"t-1","user":[7]}`,
  "plus+and=and:and;and,and~",
  "it's ${braced}",
  "back\\slash",
]
test.each(ids)("the connection id %s, encoded or not, in path, header, body and query", async (id) => {
  await importConnection(sluice, at.key, { connection_id: id, metadata: { rows: [{ id: "only" }] } })
  const own = connectionAt(sluice, at.key, id)
  const query = `provider_config_key=${at.key}`
  const full = await sluice.call("GET", `/connections/${encodeURIComponent(id)}?${query}`)
  expect([full.status, full.body.connection_id]).toEqual([200, id])
  // Both clients put the id into the path as it is.
  expect((await client(sluice).getConnection(at.key, id.replaceAll("\\", "%5C"))).connection_id).toBe(id)
  expect((await client042(sluice).getConnection(at.key, id.replaceAll("\\", "%5C"))).connection_id).toBe(id)
  const halfEncoded = id.replaceAll(" ", "%20").replaceAll('"', "%22").replaceAll("\\", "%5C")
  expect((await raw("GET", `/connections/${halfEncoded}?${query}`))[0]).toBe(200)

  await own.run("things")
  expect((await own.records("Thing")).records).toHaveLength(1)
  expect((await own.act("echo", { x: 1 })).body).toEqual({ x: 1 })
  await own.setMetadata({ changed: true })
  expect(await client(sluice).getMetadata(at.key, id.replaceAll("\\", "%5C"))).toEqual({ changed: true })
  expect((await sluice.call("DELETE", `/connections/${encodeURIComponent(id)}?${query}`)).body).toEqual({
    success: true,
  })
})

test("an id is decoded once", async () => {
  await importConnection(sluice, at.key, { connection_id: "once" })
  const twice = await sluice.call("GET", `/connections/%256Fnce?provider_config_key=${at.key}`)
  expect([twice.status, twice.body.error.code]).toEqual([400, "invalid_uri_params"])
  expect((await sluice.call("GET", `/connections/%6Fnce?provider_config_key=${at.key}`)).status).toBe(200)
  const broken = await raw("GET", `/connections/%zz?provider_config_key=${at.key}`)
  expect(broken[0]).toBe(400)
})

test("tags in brackets, encoded or not", async () => {
  const own = await importConnection(sluice, at.key, { tags: { plan: "pro plus" } })
  for (const query of ["tags[plan]=pro%20plus", "tags%5Bplan%5D=pro+plus"]) {
    const { body } = await sluice.call("GET", `/connections?${query}`)
    expect(body.connections.map((one: any) => one.connection_id)).toEqual([own.connection_id])
  }
})

test("an unknown path is a JSON 404 for every method", async () => {
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
    const answer = await sluice.call(method, "/no-such-thing", method === "GET" ? {} : { body: {} })
    expect([method, answer.status, answer.body.error.code]).toEqual([method, 404, "not_found"])
  }
})

test("a browser may ask first", async () => {
  const answer = await fetch(`${sluice.url}/connections`, {
    method: "OPTIONS",
    headers: { origin: "https://a.example" },
  })
  expect(answer.status).toBe(204)
  expect(answer.headers.get("access-control-allow-origin")).toBe("*")
  expect(answer.headers.get("access-control-max-age")).toBe("600")
  expect(answer.headers.get("access-control-allow-methods")).toBe("GET,HEAD,PUT,PATCH,POST,DELETE")
  const refused = await sluice.call("GET", "/connections", { key: null })
  expect(refused.headers.get("access-control-allow-origin")).toBe("*")
})

test("a body that is too large is refused, however it comes, and the daemon lives on", async () => {
  await using small = await startWithFake({ sluice: { env: { SLUICE_BODY_LIMIT_BYTES: "2048" } } })
  const text = JSON.stringify({ provider: "fake", unique_key: "x", display_name: "y".repeat(4000) })
  const chunks = () =>
    new ReadableStream({
      start(controller) {
        for (let at = 0; at < text.length; at += 500)
          controller.enqueue(new TextEncoder().encode(text.slice(at, at + 500)))
        controller.close()
      },
    })
  for (const body of [text, chunks()]) {
    const headers = { authorization: `Bearer ${small.sluice.key}`, "content-type": "application/json" }
    const answer = await fetch(`${small.sluice.url}/integrations`, { method: "POST", headers, body })
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { error: { code: "body_too_large", message: "The body is too large." } },
    ])
    expect(answer.headers.get("access-control-allow-origin")).toBe("*")
  }
  expect((await small.sluice.call("GET", "/integrations")).body).toEqual({ data: [] })
})

test("the documented statuses of an unknown connection, route by route", async () => {
  const headers = { "connection-id": "nobody", "provider-config-key": at.key }
  const names = { connection_id: "nobody", provider_config_key: at.key }
  const query = `provider_config_key=${at.key}`
  const expected: [string, object | undefined, number, string][] = [
    [`GET /connections/nobody?${query}`, undefined, 404, "not_found"],
    [`PATCH /connections/nobody?${query}`, {}, 404, "not_found"],
    [`DELETE /connections/nobody?${query}`, undefined, 400, "unknown_connection"],
    ["POST /connections/metadata", { ...names, metadata: {} }, 404, "unknown_connection"],
    ["PATCH /connections/metadata", { ...names, metadata: {} }, 404, "unknown_connection"],
    ["GET /records?model=Thing", undefined, 400, "unknown_connection"],
    [`GET /sync/status?syncs=*&${query}&connection_id=nobody`, undefined, 400, "invalid_body"],
    [
      "PUT /sync/update-connection-frequency",
      { ...names, sync_name: "things", frequency: "1h" },
      400,
      "unknown_connection",
    ],
    ["POST /action/trigger", { action_name: "echo" }, 400, "unknown_connection"],
    ...["trigger", "start", "pause"].map((verb): [string, object, number, string] => [
      `POST /sync/${verb}`,
      { ...names, syncs: ["things"] },
      404,
      "unknown_connection",
    ]),
  ]
  for (const [route, body, status, code] of expected) {
    const [method = "", path = ""] = route.split(" ")
    const answer = await sluice.call(method, path, { body, headers })
    expect([route, answer.status, answer.body.error.code]).toEqual([route, status, code])
  }
})

test("rate headers are on every answer to a key; beyond the limit there is a time to wait", async () => {
  const answer = await sluice.call("GET", "/integrations")
  const [limit, remaining, reset] = ["limit", "remaining", "reset"].map((name) =>
    Number(answer.headers.get(`x-ratelimit-${name}`)),
  )
  expect(limit).toBe(600_000)
  expect(remaining).toBeLessThan(600_000)
  expect(reset! * 1000).toBeGreaterThan(Date.now())
  await using small = await startWithFake({ sluice: { env: { SLUICE_RATE_LIMIT_PER_MINUTE: "1" } } })
  const all = [await small.sluice.call("GET", "/integrations"), await small.sluice.call("GET", "/integrations")]
  // The window may end between the two.
  const refused = all[1]!.status === 429 ? all[1]! : await small.sluice.call("GET", "/integrations")
  expect([refused.status, refused.body.error.code]).toEqual([429, "too_many_request"])
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0)
})

test("a customer's key may not speak for a running function", async () => {
  const key = /dev +([0-9a-f-]{36})/.exec(sluice.output())?.[1]
  const headers = { "nango-is-script": "true" }
  const stored = await sluice.call("GET", "/connections", { key, headers })
  expect([stored.status, stored.body.error.code]).toEqual([401, "unknown_account"])
  expect((await sluice.call("GET", "/connections", { key })).status).toBe(200)
  expect((await sluice.call("GET", "/connections", { headers })).status).toBe(200)
})

test("a probe of HTTP/1.0 may name no host, and a host may be short", async () => {
  const authorization = `authorization: Bearer ${sluice.key}`
  for (const request of [
    "GET /health HTTP/1.0",
    "GET /HEALTH?a=1 HTTP/1.0",
    "GET /health HTTP/1.1\r\nhost: \r\nconnection: close",
    "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close",
    `GET /connections HTTP/1.0\r\n${authorization}`,
    `GET /connections HTTP/1.1\r\nhost: api\r\nconnection: close\r\n${authorization}`,
  ])
    expect([request, (await send(`${request}\r\n\r\n`))[0]]).toEqual([request, 200])
})

test.each(["[::1", "x:y:z", "x:99999"])("a host that is none is refused: %s", async (host) => {
  const before = sluice.output().length
  for (const path of ["/health", "/proxy/x", "/nope"]) {
    const [status, text] = await raw("GET", path, { host })
    expect([status, JSON.parse(text).error.code]).toEqual([400, "invalid_headers"])
  }
  const upgrade = await raw("GET", "/", { host, connection: "close", upgrade: "websocket" })
  expect(upgrade[0]).toBe(400)
  expect(sluice.output().slice(before)).not.toContain("Invalid URL")
})
