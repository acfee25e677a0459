import type { EnvironmentCtx } from "../app/context.ts"
import type { TestedCredentials } from "../app/moments.ts"
import { authFaults } from "../auth/faults.ts"
import type { AuthCtx } from "../auth/mode.ts"
import { inOperation } from "../auth/operations.ts"
import { findOutcome } from "../auth/outcome.ts"
import { secretsFor } from "../auth/secrets.ts"
import { targetOf } from "../auth/target.ts"
import { readAnswer } from "../auth/token-answer.ts"
import { flatPairs } from "../auth/token-request.ts"
import { EgressError } from "../kit/fetch.ts"
import { sortedQuery } from "../kit/percent.ts"
import { type ProviderVerification, verificationOf } from "../providers/exchange.ts"
import { connectionScope, renderTree, requestScope } from "../providers/template.ts"
import { buildRequest } from "./build.ts"
import type { ProxyCall, ProxyTarget } from "./model.ts"
import { describeIntegration } from "./target.ts"

/** As much of an answer as is looked into. */
const maxAnswer = 1024 * 1024

/**
 * Makes the call of the provider's entry that shows whether credentials work; the first good answer of several endpoints is
 * enough. An entry without one proves nothing and passes. Throws `connection_test_failed`.
 */
export async function tryCredentials(ctx: EnvironmentCtx, subject: TestedCredentials): Promise<void> {
  const { integration, connectionConfig, connectionId, credentials } = subject
  const auth = targetOf(ctx, integration, connectionConfig)
  const verification = verificationOf(auth.provider)
  if (!verification) return
  const target: ProxyTarget = {
    ...describeIntegration(ctx, integration),
    connection: { connectionId, connectionConfig, metadata: {} },
  }
  const secrets = secretsFor(auth, credentials)
  const work = {
    action: "connection_test" as const,
    message: "Credentials are tried",
    integration,
    connectionId,
    secrets,
  }
  await inOperation(ctx, work, async (open) => {
    const statuses: string[] = []
    for (const endpoint of verification.endpoints) {
      const outcome = await tryEndpoint(open, { target, credentials, verification, endpoint })
      if (outcome === "good") return
      statuses.push(outcome)
    }
    throw authFaults.connection_test_failed({ payload: { answers: statuses } })
  })
}

type Try = {
  target: ProxyTarget
  credentials: TestedCredentials["credentials"]
  verification: ProviderVerification
  endpoint: string
}

/** `good`, or why not, in a word or a status. */
async function tryEndpoint(ctx: AuthCtx, { target, credentials, verification, endpoint }: Try): Promise<string> {
  const method = verification.method ?? "GET"
  const path = URL.parse(endpoint, "https://api.invalid/")
  const request = { method, path: path?.pathname, urlCanonicalParams: sortedQuery(path?.search ?? "") }
  const { connectionConfig } = target.connection
  const scope = requestScope({
    ...connectionScope({ connectionConfig, credentials: { ...credentials }, request }),
    now: ctx.now(),
  })
  const rendered = renderTree({ headers: verification.headers ?? {}, data: verification.data }, scope)
  const { headers, data } = rendered as { headers: Record<string, string>; data?: unknown }
  const call: ProxyCall = {
    endpoint,
    method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    body: bodyOf(verification, data),
    baseUrlOverride: verification.base_url_override,
    retries: 0,
    retryOn: [],
  }
  const built = buildRequest({ ...target, credentials, call, now: ctx.now() })
  const { origin, pathname } = new URL(built.url)
  const startedAt = ctx.now()
  const note = (outcome: { status?: number; error?: string }) =>
    ctx.exchanges.push({ message: `${built.method} ${origin}${pathname}`, startedAt, durationMs: 0, ...outcome })
  try {
    const { timeoutMs, signal } = ctx
    const response = await ctx.egress.send({ ...built, timeoutMs, signal, maxBytes: maxAnswer })
    const text = await response.text()
    const isGood = isGoodAnswer(verification, response, text)
    note({ status: response.status, ...(isGood ? {} : { error: "The credentials were not accepted" }) })
    return isGood ? "good" : String(response.status)
  } catch (error) {
    if (!(error instanceof EgressError) && !ctx.signal.aborted) throw error
    const failure = error instanceof EgressError ? error.code : "ETIMEDOUT"
    note({ error: failure })
    return failure
  }
}

function isGoodAnswer({ ok_status, fail_if }: ProviderVerification, response: Response, text: string): boolean {
  if (!(ok_status ? ok_status.includes(response.status) : response.ok)) return false
  if (!fail_if) return true
  return findOutcome(readAnswer(text, response.headers.get("content-type") ?? "") ?? text, fail_if) === undefined
}

function bodyOf({ method = "GET", body_format }: ProviderVerification, data: unknown): ProxyCall["body"] {
  if (data === undefined || method === "GET" || method === "HEAD") return { kind: "none" }
  if (typeof data === "string") return { kind: "text", text: data }
  if (body_format === "form") return { kind: "form", entries: flatPairs({ ...(data as object) }) }
  return { kind: "json", text: JSON.stringify(data) }
}
