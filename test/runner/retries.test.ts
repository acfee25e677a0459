import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { entry, openStage, type Stage } from "./stage.ts"
import { valueOf } from "./requests.ts"

type Rule = {
  status?: number
  headers?: Record<string, string | null>
  body?: unknown
}
type Row = {
  name: string
  /** Catalogue entry. */
  on?: keyof typeof entries
  /** Members of the call's configuration. */
  config: string
  /** What the provider answers with, in this order, each once; then it answers 200. */
  answers: Rule[]
  waits: number[]
  /** Final status, or the code of a network error. */
  ends: number | string
  reasons?: string[]
  /** How many requests the provider sees. Default: all attempts. */
  reaches?: number
}

const entries = {
  plain: entry(),
  after: entry(`retry:\n  after: retry-after`),
  at: entry(`retry:\n  at: x-reset\n  after: retry-after`),
  codes: entry(`retry:\n  error_code:\n    - "403"\n    - "500-502"\n    - "4xx"`),
  left: entry(`retry:\n  remaining: x-left\n  at: x-reset`),
  body: entry(`retry:\n  in_body:\n    path: error.message\n    value: '/wait (\\d+) s/'\n    strategy: after`),
}
const seconds = (ms: number) => String(Math.floor(Date.parse("2026-03-04T05:06:07Z") / 1000) + ms)
const fail = (status: number, headers: Record<string, string | null> = {}, body: unknown = { no: status }): Rule => ({
  status,
  headers: { "retry-after": null, ...headers },
  body,
})

const rows: Row[] = [
  { name: "no retries by default", config: "", answers: [fail(500)], waits: [], ends: 500 },
  {
    name: "500, then 200",
    config: "retries: 1",
    answers: [fail(500)],
    waits: [3000],
    ends: 200,
    reasons: ["status_code_500"],
  },
  {
    name: "waits double",
    config: "retries: 3",
    answers: [fail(503), fail(503), fail(503), fail(503)],
    waits: [3000, 6000, 12_000],
    ends: 503,
  },
  {
    name: "429 without a hint",
    config: "retries: 1",
    answers: [fail(429)],
    waits: [3000],
    ends: 200,
    reasons: ["status_code_429"],
  },
  {
    name: "404 is not repeated",
    config: "retries: 3",
    answers: [fail(404)],
    waits: [],
    ends: 404,
    reasons: ["not_retryable"],
  },
  {
    name: "retryOn",
    config: "retries: 2, retryOn: [404]",
    answers: [fail(404)],
    waits: [3000],
    ends: 200,
    reasons: ["retry_on_404"],
  },
  { name: "retryOn without retries", config: "retryOn: [404]", answers: [fail(404)], waits: [], ends: 404 },
  { name: "retries as text", config: 'retries: "1"', answers: [fail(500)], waits: [3000], ends: 200 },
  {
    name: "a refused connection",
    config: `retries: 2, baseUrlOverride: "http://127.0.0.1:1"`,
    answers: [],
    waits: [3000, 6000],
    ends: "ECONNREFUSED",
    reasons: ["network_error", "network_error"],
    reaches: 0,
  },
  {
    name: "a refused connection and no retry",
    config: `baseUrlOverride: "http://127.0.0.1:1"`,
    answers: [],
    waits: [],
    ends: "ECONNREFUSED",
    reaches: 0,
  },
  {
    name: "a host that the gate refuses is not asked again",
    config: `retries: 3, baseUrlOverride: "http://10.0.0.1"`,
    answers: [],
    waits: [],
    ends: "url_not_allowed",
    reasons: ["not_retryable"],
    reaches: 0,
  },
  {
    name: "Retry-After counts only where the provider's entry says so",
    config: "retries: 1",
    answers: [fail(429, { "retry-after": "7" })],
    waits: [3000],
    ends: 200,
  },
  {
    name: "the provider's after",
    on: "after",
    config: "retries: 1",
    answers: [fail(429, { "retry-after": "7" })],
    waits: [7000],
    ends: 200,
    reasons: ["preconfigured_after"],
  },
  {
    name: "the call's after wins over the provider's",
    on: "after",
    config: `retries: 1, retryHeader: { after: "x-mine" }`,
    answers: [fail(429, { "retry-after": "7", "x-mine": "2" })],
    waits: [2000],
    ends: 200,
    reasons: ["custom_after"],
  },
  {
    name: "the call's at",
    config: `retries: 1, retryHeader: { at: ["x-mine"] }`,
    answers: [fail(503, { "x-mine": seconds(90) })],
    waits: [90_000],
    ends: 200,
    reasons: ["custom_at"],
  },
  {
    name: "the provider's at before its after",
    on: "at",
    config: "retries: 1",
    answers: [fail(429, { "retry-after": "7", "x-reset": seconds(60) })],
    waits: [60_000],
    ends: 200,
    reasons: ["preconfigured_at"],
  },
  {
    name: "a moment that has passed counts as none",
    on: "at",
    config: "retries: 1",
    answers: [fail(429, { "x-reset": seconds(-60) })],
    waits: [3000],
    ends: 200,
    reasons: ["status_code_429"],
  },
  {
    name: "an hour is waited for in full, and the clock moves on",
    on: "at",
    config: "retries: 2",
    answers: [fail(429, { "x-reset": seconds(3600) }), fail(429, { "x-reset": seconds(3610) })],
    waits: [3_600_000, 10_000],
    ends: 200,
  },
  {
    name: "the provider's list: exact",
    on: "codes",
    config: "retries: 1",
    answers: [fail(403)],
    waits: [3000],
    ends: 200,
  },
  {
    name: "the provider's list: range",
    on: "codes",
    config: "retries: 1",
    answers: [fail(502)],
    waits: [3000],
    ends: 200,
    reasons: ["provider_error_code_500-502"],
  },
  {
    name: "the provider's list: class",
    on: "codes",
    config: "retries: 1",
    answers: [fail(418)],
    waits: [3000],
    ends: 200,
    reasons: ["provider_error_code_4xx"],
  },
  {
    name: "the provider's list replaces the default",
    on: "codes",
    config: "retries: 1",
    answers: [fail(503)],
    waits: [],
    ends: 503,
  },
  {
    name: "the provider's list and retryOn",
    on: "codes",
    config: "retries: 1, retryOn: [503]",
    answers: [fail(503)],
    waits: [3000],
    ends: 200,
  },
  {
    name: "nothing left: a 403 waits for the reset",
    on: "left",
    config: "retries: 1",
    answers: [fail(403, { "x-left": "0", "x-reset": seconds(30) })],
    waits: [30_000],
    ends: 200,
    reasons: ["preconfigured_at"],
  },
  {
    name: "something left: a 403 is a 403",
    on: "left",
    config: "retries: 1",
    answers: [fail(403, { "x-left": "5" })],
    waits: [],
    ends: 403,
  },
  {
    name: "a hint in the body, its pattern between slashes",
    on: "body",
    config: "retries: 1",
    answers: [fail(429, {}, { error: { message: "please wait 12 s" } })],
    waits: [12_000],
    ends: 200,
    reasons: ["preconfigured_in_body:after"],
  },
  {
    name: "401 is repeated once",
    config: "retries: 5",
    answers: [fail(401), fail(401), fail(401)],
    waits: [3000],
    ends: 401,
    reasons: ["status_code_401", "invalid_credentials"],
  },
]

let stage: Stage
beforeAll(async () => {
  stage = await openStage(entries)
})
afterAll(() => stage.close())
beforeEach(() => {
  stage.fake.clear()
  stage.fake.control({ reset: true })
  stage.clock.now = Date.parse("2026-03-04T05:06:07Z")
})

const setAnswers = (answers: Rule[]) =>
  stage.fake.control({ faults: answers.map((rule) => ({ match: { path: "/echo" }, times: 1, ...rule })) })

describe("nango.get", () => {
  test.each(rows.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    setAnswers(row.answers)
    const { outcome, waits, messages } = await stage.run(
      `try { return (await nango.get({ endpoint: "/echo", ${row.config} })).status } catch (e) { return e.response?.status ?? e.code }`,
      { as: row.on ?? "plain" },
    )
    expect(valueOf(outcome)).toBe(row.ends)
    expect(waits).toEqual(row.waits)
    expect(stage.fake.requests).toHaveLength(row.reaches ?? row.waits.length + 1)
    const notices = messages.filter((message) => message.type === "log")
    if (row.reasons) expect(notices.map(({ detail }) => (detail as { reason: string }).reason)).toEqual(row.reasons)
    const attempts = messages.filter((message) => message.type === "http")
    expect(attempts).toHaveLength(row.waits.length + 1)
    expect(attempts.map(({ level }) => level)).toEqual(
      attempts.map((_, at) => (at === row.waits.length && row.ends === 200 ? "info" : "error")),
    )
    for (const { level } of notices) expect(level).toBe("warn")
  })
})

describe("credentials", () => {
  const ask = (config = "") =>
    `const r = await nango.get({ endpoint: "/echo", ${config} }); return r.data.headers.authorization`

  test("are kept for a minute, across requests and repetitions", async () => {
    await stage.connect("plain", "key-before")
    const { outcome } = await stage.run(
      `const out = []; for (let n = 0; n < 3; n++) out.push((await nango.get({ endpoint: "/echo", retries: 1 })).data.headers.authorization); return out`,
      {
        as: "plain",
        async onCall(call, nth) {
          if (call !== "proxy.send") return
          if (nth === 2) {
            await stage.connect("plain", "key-after")
            setAnswers([fail(503)])
          }
          if (nth === 3) stage.clock.now += 60_000
        },
      },
    )
    expect(valueOf(outcome)).toEqual(["Bearer key-before", "Bearer key-before", "Bearer key-after"])
  })

  test("are read again when a wait took longer than that", async () => {
    await stage.connect("plain", "key-before")
    setAnswers([fail(503, { "x-after": "61" })])
    const { outcome } = await stage.run(ask(`retries: 1, retryHeader: { after: "x-after" }`), {
      as: "plain",
      onWait: () => stage.connect("plain", "key-after"),
    })
    expect(valueOf(outcome)).toBe("Bearer key-after")
  })

  test("are read afresh after a 401, and as long as they change it goes on", async () => {
    await stage.connect("plain", "key-1")
    setAnswers([fail(401), fail(401), fail(401)])
    let at = 1
    const { outcome, waits } = await stage.run(ask("retries: 5"), {
      as: "plain",
      onWait: () => stage.connect("plain", `key-${++at}`),
    })
    expect(valueOf(outcome)).toBe("Bearer key-4")
    expect(waits).toEqual([3000, 6000, 12_000])
    const sent = stage.fake.requests.map(({ headers }) => headers.authorization)
    expect(sent).toEqual(["Bearer key-1", "Bearer key-2", "Bearer key-3", "Bearer key-4"])
  })

  test("the run's own change of its metadata is seen by its next request", async () => {
    const { outcome } = await stage.run(
      `const read = async () => (await nango.get({ endpoint: "/echo/\${metadata.team}" })).data.path
      const before = await read(); const answer = await nango.updateMetadata({ team: "m2" }); return [before, await read(), answer.status, answer.data]`,
      { as: "plain" },
    )
    const data = { connection_id: "c1", provider_config_key: "plain", metadata: { team: "m2" } }
    expect(valueOf(outcome)).toEqual(["/echo/m1", "/echo/m2", 200, data])
  })

  test("a cancelled run stops waiting", async () => {
    setAnswers([fail(503)])
    const cancel = new AbortController()
    const { outcome } = await stage.run(ask("retries: 3"), {
      as: "plain",
      signal: cancel.signal,
      onWait: () => cancel.abort(),
    })
    expect(outcome).toMatchObject({ ok: false, error: { type: "script_aborted", status: 410 } })
    expect(stage.fake.requests).toHaveLength(1)
  })
})
