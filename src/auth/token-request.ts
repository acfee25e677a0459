import { EgressError } from "../kit/fetch.ts"
import type { AppError, FaultDetails } from "../kit/errors.ts"
import { redact, redactText } from "../kit/redact.ts"
import { writeXml } from "../kit/xml.ts"
import { type AnswerBody, readAnswer } from "./token-answer.ts"
import type { AuthCtx } from "./mode.ts"

export type TokenFormat = "form" | "json" | "query" | "xml"
export type TokenRequest = {
  url: string
  /** Default POST. */
  method?: "GET" | "POST"
  /** How `params` travel; with GET always in the query. Default `form`. */
  format?: TokenFormat
  params?: Record<string, unknown>
  headers?: Record<string, string>
  /** Sent as it is, instead of `params`. */
  body?: string
  tls?: { cert: string; key: string }
  /** Statuses that count; default every 2xx. */
  okStatus?: readonly number[]
  /** Texts that must not be seen in an error. */
  secrets: readonly (string | undefined)[]
  /** The fault of a request that failed or was refused. */
  refused: (details?: FaultDetails) => AppError
  /** The fault of an answer that cannot be read. Default: `refused`. */
  unreadable?: (details?: FaultDetails) => AppError
}
export type TokenAnswer = { status: number; headers: Headers; body: AnswerBody }

/** Longest token answer, in bytes. */
const maxAnswer = 1024 * 1024
const longestDetail = 2_000

/**
 * One request with secrets in it: through the gate, no redirect is followed, bounded in time and size. Answers the body as
 * data (JSON, form or XML, whatever the provider wrote on it) or text.
 */
export async function requestToken(ctx: AuthCtx, request: TokenRequest): Promise<TokenAnswer> {
  const { method = "POST" } = request
  const startedAt = ctx.now()
  const began = performance.now()
  const note = (outcome: { status?: number; error?: string }) => {
    const { origin, pathname } = new URL(request.url)
    const durationMs = Math.round(performance.now() - began)
    ctx.exchanges.push({ message: `${method} ${origin}${pathname}`, startedAt, durationMs, ...outcome })
  }
  let answer: { response: Response; text: string }
  try {
    answer = await send(ctx, request, method)
  } catch (error) {
    const message = failureOf(ctx, error)
    note({ error: message })
    throw request.refused({ message, payload: { provider_error: message }, cause: error })
  }
  const { response, text } = answer
  const isGood = request.okStatus ? request.okStatus.includes(response.status) : response.ok
  note({ status: response.status, ...(isGood ? {} : { error: `The provider answered ${response.status}` }) })
  const body = readAnswer(text, response.headers.get("content-type") ?? "")
  if (!isGood) throw refusal(request, response.status, body ?? text)
  if (body === undefined) {
    const raise = request.unreadable ?? request.refused
    throw raise({
      message: "The provider's answer is not what a token answer looks like.",
      payload: { status: response.status, provider_error: shorten(request, text) },
    })
  }
  return { status: response.status, headers: response.headers, body }
}

async function send(ctx: AuthCtx, request: TokenRequest, method: string) {
  const built = build(request, method)
  const response = await ctx.egress.send({
    method,
    url: built.url,
    headers: { accept: "application/json", "user-agent": "sluice", ...built.headers, ...lower(request.headers) },
    body: built.body,
    redirect: "manual",
    timeoutMs: ctx.timeoutMs,
    idleTimeoutMs: ctx.timeoutMs,
    maxBytes: maxAnswer,
    tls: request.tls,
    signal: ctx.signal,
  })
  return { response, text: await response.text() }
}

type Built = { url: string; headers: Record<string, string>; body: string | null }

function build({ url, format = "form", params, body }: TokenRequest, method: string): Built {
  if (body !== undefined) return { url, headers: {}, body }
  const isQuery = method === "GET" || format === "query"
  if (isQuery || params === undefined) return { url: withQuery(url, isQuery ? params : {}), headers: {}, body: null }
  if (format === "json") return { url, headers: { "content-type": "application/json" }, body: JSON.stringify(params) }
  if (format === "xml") {
    const text = `<?xml version="1.0" encoding="UTF-8"?>${writeXml(params)}`
    return { url, headers: { "content-type": "application/xml", accept: "*/*" }, body: text }
  }
  const type = { "content-type": "application/x-www-form-urlencoded" }
  return { url, headers: type, body: new URLSearchParams(flatPairs(params)).toString() }
}

export function withQuery(url: string, params: Record<string, unknown> = {}): string {
  const made = new URL(url)
  for (const [name, value] of flatPairs(params)) made.searchParams.set(name, value)
  return made.href
}

/** Members as name and text; what is nested stands as JSON, what is missing is left out. */
export function flatPairs(params: Record<string, unknown>): [string, string][] {
  return Object.entries(params)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)])
}

const lower = (headers: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

function failureOf(ctx: AuthCtx, error: unknown): string {
  if (error instanceof EgressError) return error.message
  if (ctx.signal.aborted) return "The provider did not answer in time."
  throw error
}

/** The refusal with the provider's own words, as far as they say nothing that was secret. */
export function refusal(
  request: Pick<TokenRequest, "secrets" | "refused">,
  status: number,
  body: AnswerBody,
): AppError {
  const said = shorten(request, body)
  const reason = reasonIn(said)
  const head = status >= 200 && status < 300 ? "The provider refused" : `The provider answered ${status}`
  return request.refused({ message: reason ? `${head}: ${reason}` : head, payload: { status, provider_error: said } })
}

function shorten({ secrets }: Pick<TokenRequest, "secrets">, body: AnswerBody): unknown {
  const hidden = secrets.filter((secret) => secret !== undefined && secret !== "") as string[]
  if (typeof body === "string") return redactText(body, hidden).slice(0, longestDetail)
  const clean = redact(body, hidden)
  const text = JSON.stringify(clean)
  return text.length > longestDetail ? text.slice(0, longestDetail) : clean
}

/** The sentence in an error answer, whatever it is called. */
function reasonIn(said: unknown): string | undefined {
  if (typeof said === "string") return /^\s*</.test(said) ? undefined : said.slice(0, 300) || undefined
  if (typeof said !== "object" || said === null) return undefined
  const { error, error_description, message, errors, detail } = said as Record<string, unknown>
  const nested = typeof error === "object" && error !== null ? (error as Record<string, unknown>).message : undefined
  const texts = [typeof error === "string" ? error : nested, error_description ?? message ?? detail]
  const found = texts.filter((text): text is string => typeof text === "string" && text !== "")
  if (found.length > 0) return found.join(": ").slice(0, 300)
  return errors === undefined ? undefined : JSON.stringify(errors).slice(0, 300)
}
