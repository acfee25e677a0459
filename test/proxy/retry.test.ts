import { describe, expect, test } from "bun:test"
import { decideRetry, type Failure, type RetryInput } from "../../src/proxy/retry.ts"
import type { ProviderRetry } from "../../src/providers/model.ts"
import { now, provider } from "./make.ts"

type Case = {
  attempt?: number
  retries?: number
  retryOn?: number[]
  retryHeader?: RetryInput["call"]["retryHeader"]
  rules?: ProviderRetry
  status?: number
  code?: string
  headers?: Record<string, string>
  body?: string
  changed?: boolean
  extra?: string[]
}

function decide(given: Case) {
  const { status, code, body } = given
  const failure: Failure = {
    status,
    code,
    headers: new Headers(given.headers),
    bodyText: body === undefined ? undefined : () => body,
  }
  return decideRetry({
    attempt: given.attempt ?? 0,
    call: { retries: given.retries ?? 10, retryOn: given.retryOn ?? [], retryHeader: given.retryHeader },
    provider: provider({ retry: given.rules }),
    failure,
    credentialsChanged: given.changed,
    now,
    extraNetworkCodes: given.extra,
  })
}

const seconds = (count: number) => Math.floor(now.getTime() / 1000) + count
const yes = (waitMs: number, reason: string) => ({ retry: true, waitMs, reason })
const no = (reason: string) => ({ retry: false, waitMs: 0, reason })
const google = {
  in_body: { path: "error.message", value: "/User-rate limit exceeded\\. +Retry after (.+)/", strategy: "at" as const },
}
const github = {
  at: ["x-ratelimit-reset"],
  remaining: "x-ratelimit-remaining",
  error_code: ["403", "5xx", "401", "429"],
}
const quota = (at: string) => JSON.stringify({ error: { message: `User-rate limit exceeded.  Retry after ${at}` } })

type Row = [name: string, given: Case, decision: ReturnType<typeof decide>]

const networkRows: Row[] = [
  "ECONNRESET",
  "ETIMEDOUT",
  "ECONNABORTED",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "EAI_AGAIN",
  "UND_ERR_SOCKET",
].map((code) => [`network ${code}`, { code }, yes(3000, "network_error")])

const rows: Row[] = [
  ...networkRows,
  ["network ENOTFOUND", { code: "ENOTFOUND" }, no("not_retryable")],
  ["a refusal of the gate", { code: "url_not_allowed" }, no("not_retryable")],
  ["network code of the operator", { code: "EPIPE", extra: ["EPIPE"] }, yes(3000, "network_error")],
  ["neither status nor code", {}, no("unknown_error")],
  ["no retries wanted", { retries: 0, status: 500 }, no("max_retries")],
  ["retries used up", { retries: 3, attempt: 3, status: 500 }, no("max_retries")],
  ["500", { status: 500 }, yes(3000, "status_code_500")],
  ["599", { status: 599 }, yes(3000, "status_code_599")],
  ["429", { status: 429 }, yes(3000, "status_code_429")],
  ["404", { status: 404 }, no("not_retryable")],
  ["304", { status: 304 }, no("not_retryable")],
  ["second wait", { status: 500, attempt: 1 }, yes(6000, "status_code_500")],
  ["third wait", { status: 500, attempt: 2 }, yes(12_000, "status_code_500")],
  ["eighth wait", { status: 500, attempt: 7 }, yes(384_000, "status_code_500")],
  ["ninth wait is capped", { status: 500, attempt: 8 }, yes(600_000, "status_code_500")],
  ["network waits double too", { code: "ECONNRESET", attempt: 2 }, yes(12_000, "network_error")],

  ["retryOn", { status: 404, retryOn: [404, 429] }, yes(3000, "retry_on_404")],
  ["retryOn with another status", { status: 403, retryOn: [404] }, no("not_retryable")],
  ["exact rule", { status: 403, rules: { error_code: ["403"] } }, yes(3000, "provider_error_code_403")],
  ["rule as a number", { status: 403, rules: { error_code: [403] } }, yes(3000, "provider_error_code_403")],
  ["class rule", { status: 502, rules: { error_code: ["5xx"] } }, yes(3000, "provider_error_code_5xx")],
  ["range rule, first", { status: 500, rules: { error_code: ["500-502"] } }, yes(3000, "provider_error_code_500-502")],
  ["range rule, last", { status: 502, rules: { error_code: ["500-502"] } }, yes(3000, "provider_error_code_500-502")],
  ["range rule, beyond", { status: 503, rules: { error_code: ["500-502"] } }, no("not_retryable")],
  ["rules replace the default", { status: 500, rules: { error_code: ["403"] } }, no("not_retryable")],
  ["empty rules replace it too", { status: 429, rules: { error_code: [] } }, no("not_retryable")],
  [
    "rules do not replace retryOn",
    { status: 500, retryOn: [500], rules: { error_code: ["403"] } },
    yes(3000, "retry_on_500"),
  ],
  [
    "remaining is 0",
    { status: 403, rules: { remaining: "x-left" }, headers: { "X-Left": "0" } },
    yes(3000, "provider_remaining"),
  ],
  [
    "remaining is 00",
    { status: 403, rules: { remaining: "x-left" }, headers: { "x-left": "00" } },
    no("not_retryable"),
  ],
  ["remaining is absent", { status: 403, rules: { remaining: "x-left" } }, no("not_retryable")],

  [
    "after",
    { status: 429, rules: { after: "retry-after" }, headers: { "Retry-After": "7" } },
    yes(7000, "preconfigured_after"),
  ],
  [
    "after rounds up",
    { status: 429, rules: { after: "retry-after" }, headers: { "retry-after": "1.2" } },
    yes(2000, "preconfigured_after"),
  ],
  [
    "after is not capped",
    { status: 429, rules: { after: "retry-after" }, headers: { "retry-after": "86400" } },
    yes(86_400_000, "preconfigured_after"),
  ],
  [
    "after that is no number",
    { status: 429, rules: { after: "retry-after" }, headers: { "retry-after": "soon" } },
    yes(3000, "status_code_429"),
  ],
  [
    "after 0",
    { status: 429, rules: { after: "retry-after" }, headers: { "retry-after": "0" } },
    yes(3000, "status_code_429"),
  ],
  [
    "after below 0",
    { status: 429, rules: { after: "retry-after" }, headers: { "retry-after": "-5" } },
    yes(3000, "status_code_429"),
  ],
  [
    "after without end",
    { status: 429, rules: { after: "retry-after" }, headers: { "retry-after": "1e999" } },
    yes(3000, "status_code_429"),
  ],
  [
    "longest of a list",
    { status: 429, rules: { after: ["a", "b", "c"] }, headers: { a: "5", b: "9", c: "x" } },
    yes(9000, "preconfigured_after"),
  ],
  [
    "at in seconds",
    { status: 429, rules: { at: "reset" }, headers: { reset: String(seconds(60)) } },
    yes(60_000, "preconfigured_at"),
  ],
  [
    "at in milliseconds",
    { status: 429, rules: { at: "reset" }, headers: { reset: String(now.getTime() + 5_000) } },
    yes(5_000, "preconfigured_at"),
  ],
  [
    "at as a date",
    { status: 429, rules: { at: "reset" }, headers: { reset: "2026-03-04T05:06:17Z" } },
    yes(10_000, "preconfigured_at"),
  ],
  [
    "at as an HTTP date",
    { status: 429, rules: { at: "reset" }, headers: { reset: "Wed, 04 Mar 2026 05:07:07 GMT" } },
    yes(60_000, "preconfigured_at"),
  ],
  [
    "at in the past",
    { status: 429, rules: { at: "reset" }, headers: { reset: String(seconds(-60)) } },
    yes(3000, "status_code_429"),
  ],
  [
    "at that is no time",
    { status: 429, rules: { at: "reset" }, headers: { reset: "never" } },
    yes(3000, "status_code_429"),
  ],
  [
    "longest of a list of times",
    { status: 429, rules: { at: ["a", "b"] }, headers: { a: String(seconds(9)), b: String(seconds(5)) } },
    yes(9000, "preconfigured_at"),
  ],
  [
    "at before after",
    { status: 429, rules: { at: "a", after: "b" }, headers: { a: String(seconds(5)), b: "90" } },
    yes(5000, "preconfigured_at"),
  ],
  [
    "after when at says nothing",
    { status: 429, rules: { at: "a", after: "b" }, headers: { b: "90" } },
    yes(90_000, "preconfigured_after"),
  ],
  [
    "the call's header before the provider's",
    { status: 429, retryHeader: { after: "mine" }, rules: { after: "b" }, headers: { mine: "4", b: "90" } },
    yes(4000, "custom_after"),
  ],
  [
    "the call's header as a time",
    { status: 429, retryHeader: { at: "mine" }, headers: { mine: String(seconds(4)) } },
    yes(4000, "custom_at"),
  ],
  [
    "the provider's when the call's is absent",
    { status: 429, retryHeader: { after: "mine" }, rules: { after: "b" }, headers: { b: "9" } },
    yes(9000, "preconfigured_after"),
  ],
  [
    "a header does not make a 404 retryable",
    { status: 404, rules: { after: "b" }, headers: { b: "9" } },
    no("not_retryable"),
  ],

  [
    "body rule at",
    { status: 429, rules: google, body: quota("2026-03-04T05:06:37.890Z") },
    yes(30_000, "preconfigured_in_body:at"),
  ],
  [
    "body rule in the past",
    { status: 429, rules: google, body: quota("2020-01-01T00:00:00Z") },
    yes(3000, "status_code_429"),
  ],
  [
    "body rule without a match",
    { status: 429, rules: google, body: '{"error":{"message":"busy"}}' },
    yes(3000, "status_code_429"),
  ],
  ["body rule without the path", { status: 429, rules: google, body: '{"error":null}' }, yes(3000, "status_code_429")],
  ["body rule on a page", { status: 503, rules: google, body: "<html>" }, yes(3000, "status_code_503")],
  [
    "body rule after",
    {
      status: 429,
      rules: { in_body: { path: "m", value: "wait (\\d+)", strategy: "after" } },
      body: '{"m":"wait 12 s"}',
    },
    yes(12_000, "preconfigured_in_body:after"),
  ],
  [
    "header before body",
    { status: 429, rules: { ...google, after: "b" }, headers: { b: "9" }, body: quota("2026-03-04T06:00:00Z") },
    yes(9000, "preconfigured_after"),
  ],

  ["401 first", { status: 401 }, yes(3000, "status_code_401")],
  ["401 again, same credentials", { status: 401, attempt: 1, changed: false }, no("invalid_credentials")],
  ["401 again, other credentials", { status: 401, attempt: 1, changed: true }, yes(6000, "status_code_401")],
  [
    "401 by rule, same credentials",
    { status: 401, attempt: 1, changed: false, rules: github },
    no("invalid_credentials"),
  ],
  ["401 not in the rules", { status: 401, rules: { error_code: ["5xx"] } }, no("not_retryable")],
  ["500 with the same credentials", { status: 500, attempt: 1, changed: false }, yes(6000, "status_code_500")],
  [
    "github's exhausted 403",
    { status: 403, rules: github, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(seconds(61)) } },
    yes(61_000, "preconfigured_at"),
  ],
]

describe("decideRetry", () => {
  test.each(rows)("%s", (_name, given, decision) => {
    expect(decide(given)).toEqual(decision)
  })

  test("a body is read only when its rule is reached", () => {
    let reads = 0
    const failure = { status: 404, headers: new Headers(), bodyText: () => String(reads++) }
    decideRetry({ attempt: 0, call: { retries: 1, retryOn: [] }, provider: provider({ retry: google }), failure, now })
    expect(reads).toBe(0)
  })
})
