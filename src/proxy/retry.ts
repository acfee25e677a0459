import type { Provider } from "../providers/model.ts"
import type { ProxyCall } from "./model.ts"

const baseWaitMs = 3_000
const maxWaitMs = 600_000
const networkCodes = new Set([
  "ECONNRESET",
  "ETIMEDOUT",
  "ECONNABORTED",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "EAI_AGAIN",
  "UND_ERR_SOCKET",
])

/** A failed attempt: an answer outside 2xx has a `status`, a lost connection has a `code`, anything else has neither. */
export type Failure = {
  code?: string
  status?: number
  headers?: Headers
  bodyText?: () => string
}

export type RetryInput = {
  /** 0 for the first attempt. */
  attempt: number
  call: Pick<ProxyCall, "retries" | "retryOn" | "retryHeader">
  provider: Provider
  failure: Failure
  /** False when the latest two attempts had equal credentials; absent after the first attempt. */
  credentialsChanged?: boolean
  now: Date
  /** Network error codes that the operator adds to the default ones. */
  extraNetworkCodes?: readonly string[]
}

export type RetryDecision = { retry: boolean; waitMs: number; reason: string }

/** Says whether a failed attempt is repeated, after how many milliseconds (not capped when a header asks), and why. */
export function decideRetry(input: RetryInput): RetryDecision {
  const { attempt, call, failure } = input
  if (attempt >= call.retries) return stop("max_retries")
  const defaultWaitMs = Math.min(baseWaitMs * 2 ** attempt, maxWaitMs)
  if (failure.status === undefined) {
    if (failure.code === undefined) return stop("unknown_error")
    const known = networkCodes.has(failure.code) || (input.extraNetworkCodes ?? []).includes(failure.code)
    return known ? { retry: true, waitMs: defaultWaitMs, reason: "network_error" } : stop("not_retryable")
  }
  const cause = findCause(input, failure.status)
  if (cause === undefined) return stop("not_retryable")
  const hint = findWait(input)
  const reason = hint?.reason ?? cause
  // The first attempt has no predecessor, so a 401 is always repeated once.
  if (isUnauthorized(reason) && input.credentialsChanged === false) return stop("invalid_credentials")
  return { retry: true, waitMs: hint?.waitMs ?? defaultWaitMs, reason }
}

/** Whether a decision's reason asks for credentials to be read afresh. */
export function isUnauthorized(reason: string): boolean {
  return reason.includes("code_401")
}

function stop(reason: string): RetryDecision {
  return { retry: false, waitMs: 0, reason }
}

function findCause({ provider, call, failure }: RetryInput, status: number): string | undefined {
  const rules = provider.proxy?.retry?.error_code
  if (Array.isArray(rules)) {
    const rule = rules.map(String).find((candidate) => matchesStatus(candidate, status))
    if (rule !== undefined) return `provider_error_code_${rule}`
  } else if (status >= 500 || status === 429 || status === 401) {
    return `status_code_${status}`
  }
  if (call.retryOn.includes(status)) return `retry_on_${status}`
  const remaining = [provider.proxy?.retry?.remaining ?? []].flat()
  if (remaining.some((name) => failure.headers?.get(name) === "0")) return "provider_remaining"
  return undefined
}

function matchesStatus(rule: string, status: number): boolean {
  const text = rule.trim().toLowerCase()
  const kind = /^(\d)xx$/.exec(text)
  if (kind) return Math.floor(status / 100) === Number(kind[1])
  const range = /^(\d{3})\s*-\s*(\d{3})$/.exec(text)
  if (range) return status >= Number(range[1]) && status <= Number(range[2])
  return text === String(status)
}

type Wait = { waitMs: number; reason: string }

function findWait(input: RetryInput): Wait | undefined {
  const { call, provider, failure } = input
  return (
    waitOfHeaders(call.retryHeader, "custom", input) ??
    waitOfHeaders(provider.proxy?.retry, "preconfigured", input) ??
    waitOfBody(provider, failure, input.now)
  )
}

function waitOfHeaders(
  hints: { at?: string | string[]; after?: string | string[] } | undefined,
  label: string,
  { failure, now }: RetryInput,
): Wait | undefined {
  for (const strategy of ["at", "after"] as const) {
    const names = [hints?.[strategy] ?? []].flat()
    const waits = names.map((name) => readWait(failure.headers?.get(name), strategy, now) ?? 0)
    const waitMs = Math.max(0, ...waits)
    if (waitMs > 0) return { waitMs, reason: `${label}_${strategy}` }
  }
  return undefined
}

function waitOfBody(provider: Provider, failure: Failure, now: Date): Wait | undefined {
  const rule = provider.proxy?.retry?.in_body
  if (!rule || !failure.bodyText) return undefined
  const text = readPath(failure.bodyText(), rule.path)
  if (text === undefined) return undefined
  // The catalogue writes the pattern between slashes; taken literally it would never match.
  const pattern = new RegExp(rule.value.replace(/^\/([\s\S]*)\/[a-z]*$/, "$1"))
  const waitMs = readWait(pattern.exec(text)?.[1], rule.strategy, now)
  return waitMs === undefined ? undefined : { waitMs, reason: `preconfigured_in_body:${rule.strategy}` }
}

function readPath(body: string, path: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    // An error page instead of the documented JSON carries no hint.
    return undefined
  }
  for (const key of path.split(".")) {
    if (value === null || typeof value !== "object") return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return typeof value === "string" ? value : undefined
}

/** Whole seconds in ms until the moment that a hint names; undefined when it names none in the future. */
function readWait(text: string | null | undefined, strategy: "at" | "after", now: Date): number | undefined {
  const value = text?.trim()
  if (!value) return undefined
  const number = Number(value)
  const untilMs = strategy === "after" ? number * 1000 : readTime(value, number) - now.getTime()
  if (!Number.isFinite(untilMs) || untilMs <= 0) return undefined
  return Math.ceil(untilMs / 1000) * 1000
}

function readTime(value: string, number: number): number {
  if (Number.isNaN(number)) return Date.parse(value)
  return new Date(number).getUTCFullYear() > 1971 ? number : number * 1000
}
