import { entry, startOfStage } from "./stage.ts"

export type Rule = {
  status?: number
  headers?: Record<string, string | null>
  body?: unknown
}
export type Row = {
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

export const entries = {
  plain: entry(),
  after: entry(`retry:\n  after: retry-after`),
  at: entry(`retry:\n  at: x-reset\n  after: retry-after`),
  codes: entry(`retry:\n  error_code:\n    - "403"\n    - "500-502"\n    - "4xx"`),
  left: entry(`retry:\n  remaining: x-left\n  at: x-reset`),
  body: entry(`retry:\n  in_body:\n    path: error.message\n    value: '/wait (\\d+) s/'\n    strategy: after`),
}
const seconds = (ms: number) => String(Math.floor(startOfStage / 1000) + ms)
export const fail = (
  status: number,
  headers: Record<string, string | null> = {},
  body: unknown = { no: status },
): Rule => ({
  status,
  headers: { "retry-after": null, ...headers },
  body,
})

/** What `nango.get` does after each failure, by statuses, headers and bodies. */
export const rows: Row[] = [
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
