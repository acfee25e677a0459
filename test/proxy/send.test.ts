import { afterEach, describe, expect, test } from "bun:test"
import type { Credentials } from "../../src/auth/credentials.ts"
import { parseAllowList } from "../../src/kit/address.ts"
import { createEgress, EgressError, type Egress } from "../../src/kit/fetch.ts"
import type { HttpAttempt, RetryNotice } from "../../src/proxy/model.ts"
import { sendProxied, type SendInput, type SendTools } from "../../src/proxy/send.ts"
import { input } from "./make.ts"

type Seen = { method: string; path: string; headers: Headers; body: string }
type Reply = (seen: Seen) => Response | Promise<Response>

const open: { stop: () => void | Promise<void> }[] = []
afterEach(async () => {
  for (const item of open.splice(0)) await item.stop()
})

/** A provider on a local port that answers by script, the last line again and again. */
function scripted(...replies: Reply[]) {
  const seen: Seen[] = []
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const url = new URL(request.url)
      const entry = {
        method: request.method,
        path: url.pathname + url.search,
        headers: request.headers,
        body: await request.text(),
      }
      seen.push(entry)
      return await (replies[seen.length - 1] ?? replies.at(-1)!)(entry)
    },
  })
  open.push({ stop: () => server.stop(true) })
  return { seen, base: `http://127.0.0.1:${server.port}` }
}

function realEgress(): Egress {
  const egress = createEgress({ allow: parseAllowList(["127.0.0.1"]) })
  open.push({ stop: () => egress.close() })
  return egress
}

type Setup = {
  egress?: SendTools["egress"]
  credentials?: SendTools["credentials"]
  extra?: string[]
  onSleep?: () => void
}

/** Tools with a clock that only sleeping moves. */
function tools(setup: Setup = {}) {
  let time = Date.parse("2026-03-04T05:06:07Z")
  const attempts: HttpAttempt[] = []
  const notices: RetryNotice[] = []
  const slept: number[] = []
  const asked: [number, boolean][] = []
  const made: SendTools = {
    egress: setup.egress ?? realEgress(),
    now: () => new Date(time),
    sleep: async (ms, signal) => {
      slept.push(ms)
      time += ms
      setup.onSleep?.()
      signal?.throwIfAborted()
    },
    credentials: async (attempt, fresh) => {
      asked.push([attempt, fresh])
      return (await setup.credentials?.(attempt, fresh)) ?? { type: "API_KEY", apiKey: "key-12345" }
    },
    onAttempt: (attempt) => attempts.push(attempt),
    onWait: (notice) => notices.push(notice),
    extraNetworkCodes: setup.extra,
  }
  return { made, attempts, notices, slept, asked }
}

function to(base: string, parts: Parameters<typeof input>[0] = {}): SendInput {
  return input({ ...parts, proxy: { base_url: base, ...parts.proxy } })
}

const status =
  (code: number, headers: Record<string, string> = {}, body = "") =>
  () =>
    new Response(body || null, { status: code, headers })

describe("sendProxied", () => {
  test("a success is sent once and handed over whole", async () => {
    const { base, seen } = scripted(status(201, { "x-id": "7" }, '{"a":1}'))
    const { made, attempts, notices, slept } = tools()
    const call = {
      method: "POST",
      body: { kind: "json", text: '{"q":1}' } as const,
      retries: 3,
      headers: { "X-Mine": "m" },
    }
    const answer = await sendProxied(made, to(base, { call, proxy: { headers: { "x-key": "${apiKey}" } } }))
    expect([answer.response.status, answer.response.headers.get("x-id"), await answer.response.text()]).toEqual([
      201,
      "7",
      '{"a":1}',
    ])
    expect(seen.map(({ method, path, body }) => [method, path, body])).toEqual([["POST", "/things", '{"q":1}']])
    expect(seen[0]?.headers.get("x-key")).toBe("key-12345")
    expect(seen[0]?.headers.get("x-mine")).toBe("m")
    expect(seen[0]?.headers.get("content-type")).toBe("application/json")
    expect([attempts.length, attempts[0]?.level, attempts[0]?.response?.code, notices.length, slept.length]).toEqual([
      1,
      "info",
      201,
      0,
      0,
    ])
  })

  test("failures are repeated with the same body until one succeeds", async () => {
    const { base, seen } = scripted(status(500), status(503), status(200, {}, "done"))
    const { made, attempts, notices, slept } = tools()
    const call = { method: "PUT", body: { kind: "bytes", bytes: new Uint8Array([104, 105]) } as const, retries: 5 }
    const answer = await sendProxied(made, to(base, { call }))
    expect(await answer.response.text()).toBe("done")
    expect(seen.map(({ body }) => body)).toEqual(["hi", "hi", "hi"])
    expect(slept).toEqual([3000, 6000])
    expect(attempts.map(({ level, retry, response }) => [level, retry.attempt, retry.max, response?.code])).toEqual([
      ["error", 0, 5, 500],
      ["error", 1, 5, 503],
      ["info", 2, 5, 200],
    ])
    expect(notices.map(({ message }) => message)).toEqual([
      "Retrying in 3000 ms (status_code_500) [1/5]",
      "Retrying in 6000 ms (status_code_503) [2/5]",
    ])
  })

  test("the last answer comes back whatever its status, body and headers whole", async () => {
    const { base, seen } = scripted(status(429, { "retry-after": "2" }, "slow"))
    const { made, slept } = tools()
    const answer = await sendProxied(
      made,
      to(base, { call: { retries: 2 }, proxy: { retry: { after: "retry-after" } } }),
    )
    expect([answer.response.status, answer.response.headers.get("retry-after"), await answer.response.text()]).toEqual([
      429,
      "2",
      "slow",
    ])
    expect([seen.length, slept]).toEqual([3, [2000, 2000]])
  })

  test("what is not worth repeating is not repeated, and says so", async () => {
    const { base, seen } = scripted(status(404, {}, "none"))
    const { made, notices, slept } = tools()
    const answer = await sendProxied(made, to(base, { call: { retries: 4 } }))
    expect([answer.response.status, await answer.response.text(), seen.length, slept.length]).toEqual([
      404,
      "none",
      1,
      0,
    ])
    expect(notices).toEqual([
      {
        level: "warn",
        message: "Skipping retry (not_retryable) [1/4]",
        retry: false,
        reason: "not_retryable",
        waitMs: 0,
        attempt: 1,
        max: 4,
      },
    ])
  })

  test("without retries there is no notice", async () => {
    const { base } = scripted(status(500))
    const { made, notices } = tools()
    expect((await sendProxied(made, to(base))).response.status).toBe(500)
    expect(notices).toEqual([])
  })

  test("a stream is sent once, whatever retries says", async () => {
    const { base, seen } = scripted(status(500))
    const { made, slept } = tools()
    const stream = new Response("streamed").body as ReadableStream<Uint8Array>
    const answer = await sendProxied(
      made,
      to(base, { call: { method: "POST", body: { kind: "stream", stream }, retries: 3 } }),
    )
    expect([answer.response.status, seen.map(({ body }) => body), slept]).toEqual([500, ["streamed"], []])
  })

  test("a hint in the body is read, and the body is still there at the end", async () => {
    const page = JSON.stringify({ m: "wait 12 s", fill: "x".repeat(100_000) })
    const { base } = scripted(status(429, {}, page))
    const { made, slept } = tools()
    const retry = { in_body: { path: "m", value: "/wait (\\d+)/", strategy: "after" as const }, error_code: ["429"] }
    const answer = await sendProxied(made, to(base, { call: { retries: 1 }, proxy: { retry } }))
    expect([slept, await answer.response.text()]).toEqual([[12_000], page])
    const none = await sendProxied(
      tools().made,
      to(base, { call: { retries: 1 }, proxy: { retry: { ...retry, error_code: ["5xx"] } } }),
    )
    expect([none.response.status, await none.response.text()]).toEqual([429, page])
  })

  test("answers are decoded", async () => {
    const { base } = scripted(() => new Response(Bun.gzipSync("plain"), { headers: { "content-encoding": "gzip" } }))
    const answer = await sendProxied(tools().made, to(base))
    expect([await answer.response.text(), answer.response.headers.get("content-encoding")]).toEqual(["plain", null])
  })
})

describe("sendProxied: credentials", () => {
  const bearer = (token: string): Credentials => ({ type: "OAUTH2", access_token: token, raw: {} })

  test("a 401 asks for fresh ones and goes on while they change", async () => {
    const { base, seen } = scripted(status(401))
    const { made, asked, notices } = tools({ credentials: async (attempt) => bearer(`token-${Math.min(attempt, 2)}`) })
    const answer = await sendProxied(made, to(base, { call: { retries: 9 } }))
    expect(answer.response.status).toBe(401)
    expect(seen.map(({ headers }) => headers.get("authorization"))).toEqual([
      "Bearer token-0",
      "Bearer token-1",
      "Bearer token-2",
      "Bearer token-2",
    ])
    expect(asked).toEqual([
      [0, false],
      [1, true],
      [2, true],
      [3, true],
    ])
    expect(notices.at(-1)?.reason).toBe("invalid_credentials")
  })

  test("a 401 with credentials that stay is repeated once", async () => {
    const { base, seen } = scripted(status(401))
    await sendProxied(tools().made, to(base, { call: { retries: 9 } }))
    expect(seen.length).toBe(2)
  })

  test("other failures keep using the caller's cache, and a new token is used", async () => {
    const { base, seen } = scripted(status(500), status(200))
    const { made, asked } = tools({ credentials: async (attempt) => bearer(`token-${attempt}`) })
    await sendProxied(made, to(base, { call: { retries: 2 } }))
    expect(asked).toEqual([
      [0, false],
      [1, false],
    ])
    expect(seen[1]?.headers.get("authorization")).toBe("Bearer token-1")
  })

  test("a signature is made anew for each attempt", async () => {
    const { base, seen } = scripted(status(500), status(200))
    const credentials = { type: "OAUTH1", oauth_token: "t", oauth_token_secret: "s", raw: {} } as const
    await sendProxied(tools({ credentials: async () => credentials }).made, to(base, { call: { retries: 1 } }))
    const nonces = seen.map(({ headers }) => /oauth_nonce="(\w+)"/.exec(headers.get("authorization") ?? "")?.[1])
    expect(new Set(nonces).size).toBe(2)
  })
})

describe("sendProxied: network", () => {
  const failing = (code: string) => ({
    send: () => Promise.reject(new EgressError(code, `The request failed (${code}).`)),
  })

  test("a lost connection is repeated, then thrown with its code", async () => {
    const { made, attempts, slept } = tools({ egress: failing("ECONNRESET") })
    const error = await sendProxied(made, to("http://api.test", { call: { retries: 2 } })).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(EgressError)
    expect([error.code, slept, attempts.map(({ error }) => error?.code)]).toEqual([
      "ECONNRESET",
      [3000, 6000],
      ["ECONNRESET", "ECONNRESET", "ECONNRESET"],
    ])
  })

  test("a refused connection of a real socket", async () => {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() })
    const base = `http://127.0.0.1:${server.port}`
    await server.stop(true)
    const { made, slept } = tools()
    const error = await sendProxied(made, to(base, { call: { retries: 1 } })).catch((thrown) => thrown)
    expect([error.code, slept]).toEqual(["ECONNREFUSED", [3000]])
  })

  test.each(["ENOTFOUND", "url_not_allowed", "proxy_redirect_to_denied_host", "response_too_large"])(
    "%s is not repeated",
    async (code) => {
      const { made, slept, notices } = tools({ egress: failing(code) })
      const error = await sendProxied(made, to("http://api.test", { call: { retries: 2 } })).catch((thrown) => thrown)
      expect([error.code, slept, notices.map(({ reason }) => reason)]).toEqual([code, [], ["not_retryable"]])
    },
  )

  test("codes that the operator adds are repeated", async () => {
    const { made, slept } = tools({ egress: failing("EPIPE"), extra: ["EPIPE"] })
    await sendProxied(made, to("http://api.test", { call: { retries: 1 } })).catch(() => undefined)
    expect(slept).toEqual([3000])
  })

  test("an error that is not of the network is thrown as it is", async () => {
    const boom = new Error("boom")
    const { made, notices } = tools({ egress: { send: () => Promise.reject(boom) } })
    const error = await sendProxied(made, to("http://api.test", { call: { retries: 2 } })).catch((thrown) => thrown)
    expect(error).toBe(boom)
    expect(notices[0]?.reason).toBe("unknown_error")
  })

  test("aborting while waiting ends it", async () => {
    const { base, seen } = scripted(status(500))
    const controller = new AbortController()
    const { made } = tools({ onSleep: () => controller.abort(new Error("gone")) })
    const error = await sendProxied(made, { ...to(base, { call: { retries: 5 } }), signal: controller.signal }).catch(
      (thrown) => thrown,
    )
    expect(error.message).toBe("gone")
    expect(seen.length).toBe(1)
  })

  test("aborting while the provider thinks ends it", async () => {
    const controller = new AbortController()
    const { base } = scripted(async () => {
      controller.abort(new Error("gone"))
      await new Promise(() => undefined)
      return new Response()
    })
    const { made, notices } = tools()
    const error = await sendProxied(made, { ...to(base, { call: { retries: 5 } }), signal: controller.signal }).catch(
      (thrown) => thrown,
    )
    expect([error.message, notices]).toEqual(["gone", []])
  })

  test("a redirect to another origin does not carry credentials, unless it is told to", async () => {
    const other = scripted(status(200))
    const { base } = scripted(() => Response.redirect(`${other.base}/there`, 302))
    const egress = createEgress({ allow: parseAllowList(["127.0.0.1"]) })
    open.push({ stop: () => egress.close() })
    const credentials = async (): Promise<Credentials> => ({ type: "BASIC", username: "user", password: "pass" })
    await sendProxied(tools({ egress, credentials }).made, to(base))
    await sendProxied(tools({ egress, credentials }).made, to(base, { call: { forwardHeadersOnRedirect: true } }))
    expect(other.seen.map(({ headers }) => headers.get("authorization"))).toEqual([null, `Basic ${btoa("user:pass")}`])
  })
})

describe("sendProxied: logs", () => {
  test("hold no secret", async () => {
    const secret = "s3cr3t/key+1=="
    const { base } = scripted(
      (seen) =>
        new Response("no", {
          status: 500,
          headers: { "x-echo": seen.headers.get("x-own") ?? "", "set-cookie": "sid=1" },
        }),
    )
    const proxy = {
      headers: { "x-own": "${apiKey}", "x-pair": "${base64(${apiKey}:)}" },
      query: { api: "${apiKey}", pair: "${base64(${apiKey}:)}" },
    }
    const integration = { clientId: "client-id-1", clientSecret: "client-secret-1" }
    const { made, attempts, notices } = tools({ credentials: async () => ({ type: "API_KEY", apiKey: secret }) })
    const call = {
      endpoint: "/a/${apiKey}/b",
      headers: { Authorization: "Mine of-the-caller" },
      retries: 1,
      params: { q: "1", c: "client-secret-1" },
    }
    await sendProxied(made, to(base, { proxy, call, integration }))
    const text = JSON.stringify([attempts, notices])
    expect(text).not.toContain(secret)
    expect(text).not.toContain(encodeURIComponent(secret))
    expect(text).not.toContain(btoa(`${secret}:`))
    expect(text).not.toContain(encodeURIComponent(btoa(`${secret}:`)))
    for (const hidden of ["s3cr3t", "of-the-caller", "client-secret-1", "sid=1"]) expect(text).not.toContain(hidden)
    expect(attempts[0]?.message).toStartWith(`GET ${base}/a/`)
    expect(attempts[0]?.request.url).toContain("q=1")
    expect(attempts[0]?.response?.headers["x-echo"]).not.toContain("s3cr3t")
  })
})
