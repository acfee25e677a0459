import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { errorOf, valueOf } from "./requests.ts"
import { entries, json, rows } from "./sent-rows.ts"
import { openStage, type Stage } from "./stage.ts"

let stage: Stage
beforeAll(async () => {
  stage = await openStage(entries, {
    data: [
      {
        method: "GET",
        path: "/cookies",
        headers: { "set-cookie": "a=1; Path=/", link: "<x>; rel=next" },
        body: { ok: true },
      },
      { method: "GET", path: "/bom", headers: { "content-type": "text/plain" }, body: '\uFEFF{"a":1}' },
      { method: "GET", path: "/html", status: 502, headers: { "content-type": "text/html" }, body: "<b>bad</b>" },
      { method: "GET", path: "/nothing", status: 204, body: null },
      { method: "GET", path: "/moved", status: 304, headers: {}, body: null },
    ],
  })
})
afterAll(() => stage.close())

describe("what reaches the provider", () => {
  test.each(rows.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    stage.fake.clear()
    const { outcome } = await stage.run(`return (await nango.${row.call}).status`, {
      as: row.as ?? "plain",
      input: { base: stage.fake.url },
    })
    expect(valueOf(outcome)).toBe(200)
    const seen = stage.fake.requests[0]
    if (!seen) throw new Error("The provider saw nothing")
    const { headers = {}, json: wanted, ...rest } = row.sees
    expect(seen).toMatchObject(rest)
    for (const [name, value] of Object.entries(headers)) expect([name, seen.headers[name]]).toEqual([name, value])
    if (wanted !== undefined) expect(JSON.parse(seen.body)).toEqual(wanted)
  })

  test("multipart: fields and files, and the provider's members beside them", async () => {
    for (const as of ["plain", "filled"]) {
      stage.fake.clear()
      const { outcome } = await stage.run(
        `const data = new FormData(); data.append("a", "1"); data.append("tenant", "mine"); data.append("file", new Blob(["b\\x00é"], { type: "image/png" }), "x y.png")
        return (await nango.post({ endpoint: "/echo", data })).status`,
        { as },
      )
      expect(valueOf(outcome)).toBe(200)
      const seen = stage.fake.requests[0]
      const body = Buffer.from(seen?.body ?? "", seen?.bodyEncoding === "base64" ? "base64" : "utf8")
      const parts = await new Response(body, {
        headers: { "content-type": seen?.headers["content-type"] ?? "" },
      }).formData()
      const file = parts.get("file") as unknown as File
      expect([file.name, file.type, await file.text()]).toEqual(["x y.png", "image/png", "b\x00é"])
      expect(parts.get("a")).toBe("1")
      expect(parts.getAll("tenant")).toEqual([as === "filled" ? "acme" : "mine"])
      expect(parts.get("deep[key]")).toBe(as === "filled" ? "key-of-the-connection" : null)
    }
  })
})

describe("what is refused before it leaves", () => {
  const refusals: [name: string, call: string, as: keyof typeof entries, code: string][] = [
    ["neither endpoint nor override", `get({})`, "plain", "missing_api_url"],
    ["text params and a query", `get({ endpoint: "/echo?a=1", params: "b=2" })`, "plain", "invalid_query_params"],
    ["a provider without a base", `get({ endpoint: "/echo" })`, "homeless", "unsupported_provider"],
    ["another host in the endpoint", `get({ endpoint: "https://evil.example/echo" })`, "plain", "invalid_endpoint"],
    [
      "a connection that does not exist",
      `get({ endpoint: "/echo", connectionId: "nobody" })`,
      "plain",
      "failed_to_get_connection",
    ],
    [
      "a header that cannot be one",
      `get({ endpoint: "/echo", headers: { "x-a": "b\\r\\nc: d" } })`,
      "plain",
      "invalid_headers",
    ],
  ]
  test.each(refusals)("%s", async (_, call, as, code) => {
    stage.fake.clear()
    const { outcome } = await stage.run(
      `try { return await nango.${call} } catch (e) { return [e.code, e instanceof Error] }`,
      { as },
    )
    expect(valueOf(outcome)).toEqual([code, true])
    expect(stage.fake.requests).toEqual([])
  })
})

describe("what comes back", () => {
  const tell = `[r.status, r.statusText, r.data, r.headers["content-type"] ?? null]`
  const answers: [name: string, config: string, expected: unknown][] = [
    ["JSON under any type", `endpoint: "/bom"`, [200, "OK", { a: 1 }, "text/plain"]],
    ["nothing", `endpoint: "/nothing"`, [204, "No Content", "", null]],
    [
      "gzip",
      `endpoint: "/gzip?size=3", decompress: true`,
      [200, "OK", { compressed: true, encoding: "gzip", text: "xxx" }, json],
    ],
    ["text when text is wanted", `endpoint: "/bom", responseType: "text"`, [200, "OK", '{"a":1}', "text/plain"]],
    [
      "after redirects",
      `endpoint: "/redirect/3?to=/status/201"`,
      [201, "Created", { status: 201, method: "GET" }, json],
    ],
  ]
  test.each(answers)("%s", async (_, config, expected) => {
    const { outcome } = await stage.run(`const r = await nango.get({ ${config} }); return ${tell}`, { as: "plain" })
    const [status, statusText, data, type] = valueOf(outcome)
    expect([status, statusText, data, type?.split(";")[0] ?? null]).toEqual(expected as unknown[])
  })

  test("an error page: status, its sentence, data and headers", async () => {
    const { outcome } = await stage.run(
      `try { await nango.get({ endpoint: "/html" }) } catch (e) { const r = e.response; return [e.message, e.code, ...${tell}] }`,
    )
    expect(valueOf(outcome)).toEqual([
      "Request failed with status code 502",
      "ERR_BAD_RESPONSE",
      502,
      "Bad Gateway",
      "<b>bad</b>",
      "text/html",
    ])
  })

  test("304 is an error, as with axios", async () => {
    const { outcome } = await stage.run(
      `try { await nango.get({ endpoint: "/moved" }) } catch (e) { return [e.response.status, e.code] }`,
    )
    expect(valueOf(outcome)).toEqual([304, "ERR_BAD_RESPONSE"])
  })

  test("cookies are a list, other headers text", async () => {
    const { outcome } = await stage.run(
      `const { headers } = await nango.get({ endpoint: "/cookies" }); return [headers["set-cookie"], headers.link, headers["Link"] ?? null]`,
    )
    expect(valueOf(outcome)).toEqual([["a=1; Path=/"], "<x>; rel=next", null])
  })

  test("bytes as a Buffer and as a stream: by iteration, events, pipe and read", async () => {
    const { outcome } =
      await stage.run(`const ask = (responseType) => nango.get({ endpoint: "/bytes/70000", responseType }).then((r) => r.data)
      const whole = await ask("arraybuffer"); const sum = (bytes) => require("crypto").createHash("sha256").update(bytes).digest("hex")
      const iterated = []; for await (const chunk of await ask("stream")) iterated.push(chunk)
      const evented = await ask("stream").then((stream) => new Promise((resolve, reject) => { const chunks = []; stream.on("data", (c) => chunks.push(c)).on("error", reject).on("end", () => resolve(Buffer.concat(chunks))) }))
      const piped = await ask("stream").then((stream) => new Promise((resolve) => { const chunks = []; stream.pipe({ write: (c) => chunks.push(c), end: () => resolve(Buffer.concat(chunks)) }) }))
      const stream = await ask("stream"); const text = stream.setEncoding("latin1").read(); let closed = 0
      const paused = await ask("stream"); paused.pause().on("data", () => closed++); await null; await null; const before = closed; await new Promise((r) => paused.on("close", r).resume())
      const sent = await nango.post({ endpoint: "/echo", data: await ask("stream"), headers: { "content-type": "x/y" } })
      return [Buffer.isBuffer(whole), whole.length, [Buffer.concat(iterated), evented, piped].every((one) => sum(one) === sum(whole)), text === whole.toString("latin1"), before, closed, sent.data.headers["content-length"]]`)
    expect(valueOf(outcome)).toEqual([true, 70_000, true, true, 0, 1, "70000"])
  })

  test("more than five redirects, and a redirect to a closed host", async () => {
    const { outcome } = await stage.run(
      `const tell = (call) => call.then((r) => r.status, (e) => e.code ?? e.payload?.code)
      const away = "/redirect?to=" + encodeURIComponent("http://10.0.0.1/")
      return [await tell(nango.get({ endpoint: "/redirect/5" })), await tell(nango.get({ endpoint: "/redirect/6" })), await tell(nango.get({ endpoint: away })),
        await tell(nango.uncontrolledFetch({ url: new URL("/redirect/6", input.base) })), await tell(nango.uncontrolledFetch({ url: new URL(away, input.base) })), await tell(nango.uncontrolledFetch({ url: new URL("http://10.0.0.1/") }))]`,
      { input: { base: stage.fake.url } },
    )
    const [five, six, away, ...fetched] = valueOf(outcome)
    expect([five, six, away]).toEqual([200, "too_many_redirects", "proxy_redirect_to_denied_host"])
    expect(fetched).toEqual(["too_many_redirects", "url_not_allowed", "url_not_allowed"])
  })

  test("uncontrolledFetch: a fetch Response, without credentials", async () => {
    const { outcome } = await stage.run(
      `const r = await nango.uncontrolledFetch({ url: new URL("/echo?a=1", input.base), method: "POST", headers: { "X-A": "1" }, body: "héllo" })
      const seen = await r.json(); const moved = await nango.uncontrolledFetch({ url: new URL("/redirect?to=/status/404", input.base) })
      const failed = await nango.uncontrolledFetch({ url: new URL("http://127.0.0.1:1/") }).catch((e) => [e.name, e.message, e.code])
      return [r.ok, r.statusText, seen.headers.authorization ?? null, seen.headers["x-a"], seen.headers["content-type"], seen.body, moved.status, moved.redirected, moved.ok, failed]`,
      { input: { base: stage.fake.url } },
    )
    expect(valueOf(outcome)).toEqual([
      true,
      "OK",
      null,
      "1",
      "text/plain;charset=UTF-8",
      "héllo",
      404,
      true,
      false,
      ["TypeError", "fetch failed", "ECONNREFUSED"],
    ])
  })

  test("an uncaught failure of the provider is the run's error, with what it answered", async () => {
    const { outcome } = await stage.run(`await nango.get({ endpoint: "/status/422" })`)
    expect(errorOf(outcome)).toMatchObject({
      type: "script_http_error",
      status: 422,
      payload: { status: 422 },
      upstream: { status: 422 },
    })
  })
})
