import { describe, expect, test } from "bun:test"
import { EgressError } from "../../src/kit/egress-error.ts"
import { AppError } from "../../src/kit/errors.ts"
import { testRunner } from "./harness.ts"
import { action, errorOf, request, sync, valueOf } from "./requests.ts"
import type { Answers, Given, Seen } from "./requests.ts"

const runner = testRunner({ warm: 2 })
const reply = (body: string | Uint8Array = "{}", output: object = {}) => ({
  output: { status: 200, statusText: "OK", headers: {}, ...output },
  body,
})

async function run(body: string, answers: Answers = {}, given: Given = {}) {
  const seen: Seen[] = []
  const outcome = await runner.run(
    request(action(body), { answers: { "proxy.send": () => reply(), ...answers }, seen, ...given }),
  )
  return { outcome, seen, sent: seen.filter(({ call }) => call === "proxy.send") }
}

describe("responses", () => {
  const rows: [body: string | Uint8Array, config: string, expected: unknown][] = [
    ['{"a":1}', "", { a: 1 }],
    ["[1]", "", [1]],
    ["12", "", 12],
    ["null", "", null],
    ["plain", "", "plain"],
    ["", "", ""],
    ['{"a":1}', `responseType: "text"`, '{"a":1}'],
    ['{"a":1}', `responseType: "blob"`, '{"a":1}'],
    ["{broken", `responseType: "json"`, "{broken"],
    [new TextEncoder().encode('\uFEFF{"a":2}'), "", { a: 2 }],
    [new TextEncoder().encode("é"), `responseType: "arraybuffer"`, { type: "Buffer", data: [195, 169] }],
  ]
  test.each(rows)("body %p with {%s}", async (body, config, expected) => {
    const { outcome } = await run(`return { data: (await nango.get({ endpoint: "/", ${config} })).data }`, {
      "proxy.send": () => reply(body),
    })
    expect(valueOf(outcome)).toEqual({ data: expected })
  })

  test("status, headers by any reading, config, request; bytes are a Buffer", async () => {
    const body = `const r = await nango.get({ endpoint: "/e", responseType: "arraybuffer" })
    const plain = (await nango.get({ endpoint: "/e" })).data
    return [r.status, r.statusText, r.headers.link, r.headers["x-a"], r.headers["Nope"], Object.keys(r.headers), r.headers.get("X-A"),
      r.config.endpoint, r.config.method, Buffer.isBuffer(r.data), r.data instanceof Uint8Array, Array.isArray(plain), plain instanceof Array]`
    const { outcome } = await run(body, { "proxy.send": () => reply("[1]", { headers: { Link: "<a>", "X-A": "1" } }) })
    const names = ["link", "x-a"]
    expect(valueOf(outcome)).toEqual([200, "OK", "<a>", "1", null, names, "1", "/e", "GET", true, true, true, true])
  })

  test("a status outside 2xx throws as axios does, and says so when nobody catches it", async () => {
    const answers = {
      "proxy.send": () =>
        reply('{"payload":{"why":"x"}}', {
          status: 404,
          headers: { "Content-Type": "application/json", "X-RateLimit-Left": "3", "Set-Cookie": "s" },
        }),
    }
    const caught = await run(
      `try { await nango.get({ endpoint: "/" }) } catch (e) {
        return [e.name, e.message, e.code, e.status, e.response.status, e.response.data, e.isAxiosError, e instanceof Error, e.config.method, e.constructor.name] }`,
      answers,
    )
    expect(valueOf(caught.outcome)).toEqual([
      "AxiosError",
      "Request failed with status code 404",
      "ERR_BAD_REQUEST",
      404,
      404,
      { payload: { why: "x" } },
      true,
      true,
      "GET",
      "AxiosError",
    ])
    const error = errorOf((await run(`await nango.get({ endpoint: "/" })`, answers)).outcome)
    expect(error).toMatchObject({
      type: "script_http_error",
      status: 404,
      payload: { why: "x" },
      upstream: {
        status: 404,
        headers: { "content-type": "application/json", "x-ratelimit-left": "3" },
        body: { why: "x" },
      },
    })
    expect(error.upstream?.headers).not.toHaveProperty("set-cookie")
    const plain = errorOf(
      (await run(`await nango.get({ endpoint: "/" })`, { "proxy.send": () => reply("gone", { status: 503 }) })).outcome,
    )
    expect(plain).toMatchObject({ type: "script_http_error", status: 503, payload: { message: "gone" } })
  })

  test.each([
    [304, "ERR_BAD_RESPONSE"],
    [499, "ERR_BAD_REQUEST"],
    [500, "ERR_BAD_RESPONSE"],
  ])("status %d has the code %s", async (status, code) => {
    const { outcome } = await run(`try { await nango.get({ endpoint: "/" }) } catch (e) { return e.code }`, {
      "proxy.send": () => reply("", { status }),
    })
    expect(valueOf(outcome)).toBe(code)
  })

  test("a body that cannot be unpacked is a network error", async () => {
    const broken = () => {
      throw new EgressError("ZlibError", "not gzip")
    }
    const error = errorOf((await run(`await nango.get({ endpoint: "/" })`, { "proxy.send": broken })).outcome)
    expect(error).toMatchObject({ type: "script_network_error", payload: { name: "AxiosError", code: "ZlibError" } })
  })

  test("a failed connection is a network error; a refusal of the daemon keeps its code", async () => {
    const failed = () => {
      throw new EgressError("ECONNREFUSED", "connect ECONNREFUSED")
    }
    const network = errorOf((await run(`await nango.get({ endpoint: "/" })`, { "proxy.send": failed })).outcome)
    expect(network).toMatchObject({ type: "script_network_error", status: 500, payload: { code: "ECONNREFUSED" } })
    // As people tell the two cases of axios apart: no response, but a request.
    const caught = await run(
      `try { await nango.get({ endpoint: "/" }) } catch (e) { return [e.response ?? null, e.request] }`,
      { "proxy.send": failed },
    )
    expect(valueOf(caught.outcome)).toEqual([null, { method: "GET" }])
    const refused = () => {
      throw new AppError("missing_api_url", 400, "No URL")
    }
    const { outcome } = await run(`try { await nango.get({}) } catch (e) { return [e.code, e.message, e.status] }`, {
      "proxy.send": refused,
    })
    expect(valueOf(outcome)).toEqual(["missing_api_url", "No URL", 400])
  })

  test("errors of the API's own calls look like answers of it", async () => {
    const limited = () => {
      throw new AppError("too_many_requests", 429, "Slow down", { payload: { a: 1 } })
    }
    const body = `try { await nango.triggerAction("p", "c", "x") } catch (e) { return [e.response.status, e.response.data] }`
    const { outcome } = await run(body, { "action.trigger": limited })
    expect(valueOf(outcome)).toEqual([
      429,
      { error: { code: "too_many_requests", message: "Slow down", payload: { a: 1 } } },
    ])
    const thrown = errorOf(
      (await run(`await nango.triggerAction("p", "c", "x")`, { "action.trigger": limited })).outcome,
    )
    expect(thrown.type).toBe("script_api_rate_limit_error")
  })

  test("an input that the daemon refuses is invalid_sdk_call, naming the call", async () => {
    const error = errorOf((await run(`await nango.get({ endpoint: "x".repeat(300000) })`)).outcome)
    expect(error.type).toBe("invalid_sdk_call")
    expect(error.message).toContain("proxy.send")
  })
})

test("uncontrolledFetch: a Response; policy refusals are ActionErrors; only a URL will do", async () => {
  const answers: Answers = {
    "fetch.raw": ({ url }) => {
      if (url.endsWith("/no")) throw new AppError("url_not_allowed", 400, "Not there")
      return {
        output: { status: 201, headers: { "x-a": "b", "set-cookie": ["a=1", "b=2"] }, url: "http://h/end" },
        body: new TextEncoder().encode('{"a":1}'),
      }
    },
  }
  const body = `const r = await nango.uncontrolledFetch({ url: new URL("http://h/"), method: "post", headers: { A: "1" }, body: "x" })
  const out = [r.status, r.ok, r.headers.get("x-a"), await r.json(), r.url]
  try { await nango.uncontrolledFetch({ url: "http://h/" }) } catch (e) { out.push(e.message) }
  try { await nango.uncontrolledFetch({ url: new URL("http://h/no") }) } catch (e) { out.push(e instanceof nango.ActionError, e.payload) }
  return out`
  const { outcome, seen } = await run(body, answers)
  const only = 'nango.uncontrolledFetch: "url" must be a URL object'
  expect(valueOf(outcome)).toEqual([
    201,
    true,
    "b",
    { a: 1 },
    "http://h/end",
    only,
    true,
    { code: "url_not_allowed", message: "Not there" },
  ])
  expect(seen[0]).toMatchObject({ input: { url: "http://h/", method: "POST", headers: { a: "1" } }, body: "x" })
})

test("a legacy default export runs as it always did", async () => {
  const seen: Seen[] = []
  const code = `module.exports = { default: async (nango, input) => [typeof input, await nango.getMetadata()], onWebhookPayloadReceived: async (nango, p) => p }`
  const answers = { "connection.get": () => ({ output: { metadata: { a: 1 } } }) }
  expect(valueOf(await runner.run(request(code, { answers, seen })))).toEqual(["undefined", { a: 1 }])
  expect(valueOf(await runner.run(request(code, { answers, seen, input: '{"b":1}' })))).toEqual(["object", { a: 1 }])
  expect(valueOf(await runner.run(request(code, { kind: "webhook", input: '{"b":1}' })))).toEqual({ b: 1 })
  expect(valueOf(await runner.run(request(code, { kind: "sync", answers })))).toBe(true)
  expect(errorOf(await runner.run(request("exports.default = {}", { kind: "sync" })))).toMatchObject({
    type: "sync_script_failure",
  })
  expect(errorOf(await runner.run(request(sync(""), { kind: "webhook" })))).toMatchObject({
    type: "webhook_script_failure",
  })
  expect(errorOf(await runner.run(request(sync(""))))).toMatchObject({ type: "action_script_failure" })
  expect(errorOf(await runner.run(request("exports.default = {")))).toMatchObject({ type: "script_internal_error" })
})
