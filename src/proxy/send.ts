import type { Credentials } from "../auth/credentials.ts"
import { remakeResponse } from "../kit/egress-body.ts"
import { messageOf } from "../kit/errors.ts"
import { EgressError, type Egress, type OutboundRequest } from "../kit/fetch.ts"
import { hideInUrl, redactorOf } from "../kit/redact.ts"
import { isReplayable } from "./body.ts"
import { buildRequest } from "./build.ts"
import type { BuiltRequest, HttpAttempt, ProxyCall, ProxyTarget, RetryNotice } from "./model.ts"
import { peekBody } from "./peek.ts"
import { redactHeaders } from "./redact.ts"
import { decideRetry, isUnauthorized, type Failure, type RetryDecision } from "./retry.ts"

export type SendTools = {
  egress: Pick<Egress, "send">
  now: () => Date
  /** Waits; rejects with the signal's reason when it aborts. `ms` may exceed what one timer can hold. */
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /**
   * The credentials for one attempt. The caller may answer from a cache, except when `fresh`: the provider has just
   * refused the last ones.
   */
  credentials: (attempt: number, fresh: boolean) => Promise<Credentials>
  onAttempt: (attempt: HttpAttempt) => void
  onWait: (notice: RetryNotice) => void
  /** Network error codes to retry beside the default ones. */
  extraNetworkCodes?: readonly string[]
  random?: () => string
}

export type SendInput = ProxyTarget & {
  call: ProxyCall
  signal?: AbortSignal
  /** What the gate should know beyond the request itself. */
  transport?: Transport
}
type Transport = Pick<
  OutboundRequest,
  "timeoutMs" | "idleTimeoutMs" | "maxBytes" | "allow" | "wholeBytes" | "decompress"
> & {
  /** The answer goes to a client as it comes. */
  passOn?: boolean
}

export type ProxyAnswer = {
  /** Read its body to the end or cancel it. Decoded, unless `transport` says otherwise. */
  response: Response
  request: BuiltRequest
}

/** A failed answer is looked into for a retry hint up to this size. */
const peekBytes = 1024 * 1024

type Answered = { kind: "answered"; answer: ProxyAnswer; failure?: Failure }
type Failed = { kind: "failed"; error: unknown; failure: Failure }

/**
 * Sends a call, again as long as the rules of `decideRetry` say so, with credentials read anew for each attempt. The
 * last answer is returned whatever its status; when there is none, the last `EgressError` is thrown. A body that can be
 * read only once is sent only once, whatever `retries` says.
 */
export async function sendProxied(tools: SendTools, input: SendInput): Promise<ProxyAnswer> {
  const retries = isReplayable(input.call.body) ? input.call.retries : 0
  const call = { ...input.call, retries }
  let previous: string | undefined
  let fresh = false
  for (let attempt = 0; ; attempt++) {
    input.signal?.throwIfAborted()
    const credentials = await tools.credentials(attempt, fresh)
    const request = buildRequest({ ...input, call, credentials, now: tools.now(), random: tools.random?.() })
    const outcome = await sendOnce(tools, { ...input, call }, request, attempt)
    if (outcome.kind === "answered" && !outcome.failure) return outcome.answer
    const text = JSON.stringify(credentials)
    const decision = decideRetry({
      attempt,
      call,
      provider: input.provider,
      failure: outcome.failure ?? {},
      credentialsChanged: previous === undefined ? undefined : previous !== text,
      now: tools.now(),
      extraNetworkCodes: tools.extraNetworkCodes,
    })
    if (attempt < retries && !input.signal?.aborted) tools.onWait(noticeOf(decision, attempt, retries))
    if (!decision.retry) return settle(outcome)
    previous = text
    fresh = isUnauthorized(decision.reason)
    if (outcome.kind === "answered") await discard(outcome.answer)
    await tools.sleep(decision.waitMs, input.signal)
  }
}

function settle(outcome: Answered | Failed): ProxyAnswer {
  if (outcome.kind === "failed") throw outcome.error
  return outcome.answer
}

async function sendOnce(
  tools: SendTools,
  input: SendInput,
  request: BuiltRequest,
  attempt: number,
): Promise<Answered | Failed> {
  const hide = redactorOf(request.redactions)
  const shownUrl = hideInUrl(request.url, hide)
  const log = recordAttempt(tools, { request, hide, shownUrl, retry: { attempt, max: input.call.retries } })
  let response: Response
  try {
    response = await tools.egress.send(toOutbound(request, input, shownUrl))
  } catch (error) {
    // Not swallowed: the retry rules decide over it, and `settle` throws it.
    const code = error instanceof EgressError ? error.code : undefined
    log({ level: "error", error: { code: code ?? "unknown_error", message: hide(messageOf(error)) } })
    return { kind: "failed", error, failure: { code } }
  }
  const { status, headers, ok } = response
  log({ level: ok ? "info" : "error", response: { code: status, headers: redactHeaders(headers, hide) } })
  const answer: ProxyAnswer = { response, request }
  if (ok) return { kind: "answered", answer }
  if (!input.provider.proxy?.retry?.in_body || attempt >= input.call.retries) {
    return { kind: "answered", answer, failure: { status, headers } }
  }
  const { text, body } = await peekBody(response.body, peekBytes)
  return {
    kind: "answered",
    answer: { response: remakeResponse(response, body), request },
    failure: { status, headers, bodyText: () => text },
  }
}

type Recorded = {
  request: BuiltRequest
  hide: (text: string) => string
  shownUrl: string
  retry: HttpAttempt["retry"]
}

/** Starts the clock of an attempt; the returned function stops it and writes the log. */
function recordAttempt(tools: SendTools, { request: { method, headers }, hide, shownUrl, retry }: Recorded) {
  const startedAt = tools.now()
  return ({ level, response, error }: Pick<HttpAttempt, "level" | "response" | "error">) =>
    tools.onAttempt({
      level,
      message: `${method} ${shownUrl}`,
      request: { method, url: shownUrl, headers: redactHeaders(headers, hide) },
      response,
      error,
      retry,
      startedAt,
      durationMs: tools.now().getTime() - startedAt.getTime(),
    })
}

async function discard({ response }: ProxyAnswer): Promise<void> {
  try {
    await response.body?.cancel()
  } catch {
    // The connection broke while nobody read the answer; it is released all the same.
  }
}

/** Answers are decoded, as functions are used to, unless the transport is told otherwise. */
function toOutbound(request: BuiltRequest, { signal, transport }: SendInput, shownUrl: string): OutboundRequest {
  const { method, url, headers, body, forwardHeadersOnRedirect, tls } = request
  const { passOn = false, ...limits } = transport ?? {}
  return {
    decompress: true,
    ...limits,
    // Where a redirect leads may hold a secret that nobody here knows.
    passOn: (final) => passOn && final === url && shownUrl === url,
    method,
    url,
    headers,
    body,
    forwardHeadersOnRedirect,
    tls,
    signal,
  }
}

function noticeOf({ retry, reason, waitMs }: RetryDecision, attempt: number, max: number): RetryNotice {
  const count = `[${attempt + 1}/${max}]`
  const message = retry ? `Retrying in ${waitMs} ms (${reason}) ${count}` : `Skipping retry (${reason}) ${count}`
  return {
    level: "warn",
    message,
    retry,
    reason,
    waitMs,
    attempt: attempt + 1,
    max,
  }
}
