import type { EnvironmentCtx } from "../app/context.ts"
import { closeOperation, describeError, openOperation } from "../auth/operations.ts"
import { findOutcome } from "../auth/outcome.ts"
import { secretConfig, secretsFor } from "../auth/secrets.ts"
import { targetOf } from "../auth/target.ts"
import { memberAt, readAnswer } from "../auth/token-answer.ts"
import { flatPairs } from "../auth/token-request.ts"
import type { FoundConnection } from "../connections/connections.ts"
import { freshCredentials } from "../connections/fresh.ts"
import type { Fresh } from "../connections/renewable.ts"
import { AppError, defineFaults } from "../kit/errors.ts"
import { EgressError } from "../kit/fetch.ts"
import { readClaims } from "../kit/jwt.ts"
import { sleep } from "../kit/wait.ts"
import type { Operation } from "../logs/log.ts"
import { type ConnectionLookup, lookupsOf } from "../providers/lookup.ts"
import type { Provider } from "../providers/model.ts"
import {
  connectionScope,
  renderTemplate,
  renderTree,
  requestScope,
  type TemplateScope,
  unsafeHostValue,
} from "../providers/template.ts"
import { chooseElement, readSaved } from "./looked-up.ts"
import type { ProxyCall } from "./model.ts"
import { sendProxied } from "./send.ts"
import { describeTarget } from "./target.ts"

type Config = Record<string, unknown>
export type LookedUp = { found: Config; removed: string[] }

const faults = defineFaults({
  lookup_failed: [502, "The provider did not answer what was looked up."],
})

/** All steps of a connection together get no longer than this: its syncs wait for them. */
const longestMs = 120_000
const answerMs = 20_000
const maxAnswer = 1024 * 1024
/** Beyond the first attempt: after 3, 6 and 12 seconds, unless the provider says when. */
const retries = 3

type Look = {
  ctx: EnvironmentCtx
  fresh: Fresh
  provider: Provider
  operation: Operation
  signal: AbortSignal
  sleep: typeof sleep
  /** The configuration with what the steps before have found. */
  config: Config
  result: LookedUp
}

/**
 * Goes through the provider's steps. What fails is in the log, ends the steps and throws nothing; what was found until then
 * counts.
 */
export async function lookUp(
  ctx: EnvironmentCtx,
  connection: FoundConnection,
  options: { signal: AbortSignal; sleep?: typeof sleep },
): Promise<LookedUp> {
  const provider = ctx.catalogue.find(connection.integration.provider)
  const result: LookedUp = { found: {}, removed: [] }
  if (!provider) return result
  const work = {
    action: "post_connection" as const,
    message: "Values of the connection are looked up",
    integration: connection.integration,
    connectionId: connection.connection.connection_id,
    secrets: [],
  }
  const operation = openOperation(ctx, work)
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(longestMs)])
  let failure: unknown
  try {
    const fresh = await freshCredentials(ctx, connection, { touch: false })
    operation.hide(secretsOf(ctx, fresh))
    const config = { ...fresh.connectionConfig }
    const look = { ctx, fresh, provider, operation, signal, sleep: options.sleep ?? sleep, config, result }
    for (const step of lookupsOf(provider)) await takeStep(look, step)
  } catch (error) {
    failure = error
  }
  if (options.signal.aborted) operation.close("cancelled")
  else closeOperation(operation, { exchanges: [] }, explain(ctx, connection, failure, signal))
  return result
}

function explain(ctx: EnvironmentCtx, { connection }: FoundConnection, failure: unknown, signal: AbortSignal): unknown {
  if (failure === undefined || failure instanceof AppError) return failure
  if (signal.aborted) return faults.lookup_failed({ message: "The provider took too long." })
  ctx.log.error({ err: failure, connection: connection.id }, "a lookup failed unexpectedly")
  return failure
}

const secretsOf = (ctx: EnvironmentCtx, { found, credentials, connectionConfig }: Fresh): string[] =>
  secretsFor(targetOf(ctx, found.integration, connectionConfig), { credentials, ...secretConfig(connectionConfig) })

async function takeStep(look: Look, step: ConnectionLookup): Promise<void> {
  if (step.unless?.some((name) => isSet(look.config[name]))) return
  try {
    await carryOut(look, step)
  } catch (error) {
    if (!step.optional || look.signal.aborted) throw error
    look.operation.info(`Went on without it: ${describeError(error).message}`)
  }
}

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== ""

async function carryOut(look: Look, step: ConnectionLookup): Promise<void> {
  const scope = scopeOf(look)
  const call = step.request && toCall(step.request, scope, step.optional ? 0 : retries)
  if (step.request && !call) {
    look.operation.info(`${step.request.endpoint} was not asked: the connection lacks a value for it`)
    return
  }
  const answer = call && (await ask(look, call))
  if (step.probe && answer) return keep(look, { [step.probe]: answer.ok })
  if (answer && !answer.ok) {
    throw faults.lookup_failed({ message: `The provider answered ${answer.status} to ${step.request?.endpoint}.` })
  }
  const source = answer ? answer.body : sourceOf(look, step)
  if (step.when && !findOutcome(source, [step.when])) return
  const chosen = step.list === undefined ? source : chooseElement(memberAt(source, step.list), step.pick ?? [], scope)
  const saved = readSaved(chosen, step.save ?? {})
  const missing = Object.keys(step.save ?? {}).filter((name) => saved[name] === undefined)
  if (missing.length > 0) look.operation.warn(`The provider did not tell: ${missing.join(", ")}`)
  keep(look, saved)
  for (const name of step.unset ?? []) {
    delete look.config[name]
    delete look.result.found[name]
    look.result.removed.push(name)
  }
}

function keep({ config, result, operation }: Look, saved: Config): void {
  const names = Object.keys(saved)
  if (names.length === 0) return
  operation.info(`Found: ${names.join(", ")}`)
  Object.assign(config, saved)
  Object.assign(result.found, saved)
}

function scopeOf({ ctx, fresh, provider, config }: Look): TemplateScope {
  const { credentials } = fresh
  const base = connectionScope({ connectionConfig: config, credentials: { ...credentials } })
  const { token_url: url } = provider
  const template = typeof url === "object" ? url[provider.auth_mode] : url
  const tokenOrigin = URL.parse(renderTemplate(template ?? "", base).text)?.origin
  return requestScope({ ...base, claims: claimsOf(fresh), tokenOrigin, now: ctx.now() })
}

function claimsOf({ credentials }: Fresh): Config | undefined {
  const token = "access_token" in credentials ? credentials.access_token : "token" in credentials && credentials.token
  return typeof token === "string" ? readClaims(token) : undefined
}

function sourceOf({ fresh, config }: Look, { from }: ConnectionLookup): unknown {
  if (from === "claims") return claimsOf(fresh)
  return from === "credentials" ? fresh.credentials : from === "connection_config" ? config : undefined
}

/** Undefined when its URL needs a value that is not there. */
function toCall(
  request: NonNullable<ConnectionLookup["request"]>,
  scope: TemplateScope,
  retries: number,
): ProxyCall | undefined {
  const { method = "GET", base_url_override, body_format } = request
  const unsafe = base_url_override && unsafeHostValue(base_url_override, scope)
  if (unsafe) throw faults.lookup_failed({ message: `The value of ${unsafe} must be a host name.` })
  const endpoint = renderTemplate(request.endpoint, scope, { encode: encodeURIComponent })
  const base = base_url_override === undefined ? undefined : renderTemplate(base_url_override, scope)
  if (!endpoint.complete || base?.complete === false) return undefined
  const { headers, query, data } = renderTree(
    { headers: request.headers ?? {}, query: request.query ?? {}, data: request.data },
    scope,
  ) as { headers: Config; query: Config; data?: unknown }
  return {
    endpoint: endpoint.text,
    method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    params: query,
    body: bodyOf(body_format, data),
    baseUrlOverride: base?.text,
    retries,
    retryOn: [],
  }
}

function bodyOf(format: "json" | "form" | undefined, data: unknown): ProxyCall["body"] {
  if (data === undefined) return { kind: "none" }
  if (format === "form") return { kind: "form", entries: flatPairs({ ...(data as object) }) }
  return { kind: "json", text: JSON.stringify(data) }
}

type Answer = { status: number; ok: boolean; body: unknown }

async function ask(look: Look, call: ProxyCall): Promise<Answer> {
  const { ctx, fresh, operation, signal, config } = look
  try {
    const { response } = await sendProxied(
      {
        egress: ctx.egress,
        now: ctx.now,
        sleep: look.sleep,
        extraNetworkCodes: ctx.config.retryableNetworkErrors,
        credentials: async () => (await freshCredentials(ctx, fresh.found, { touch: false })).credentials,
        onAttempt: ({ level, message, ...detail }) =>
          operation.write({ type: "http", level, source: "internal", message, detail }),
        onWait: ({ level, message, ...detail }) =>
          operation.write({ type: "log", level, source: "internal", message, detail }),
      },
      {
        ...describeTarget(ctx, fresh.found, config),
        call,
        signal,
        transport: { maxBytes: maxAnswer, timeoutMs: answerMs, idleTimeoutMs: answerMs },
      },
    )
    const { status, ok, headers } = response
    // A server's trouble says nothing about what was asked.
    if (status >= 500 || status === 429)
      throw faults.lookup_failed({ message: `The provider answered ${status} to ${call.endpoint}.` })
    return { status, ok, body: readAnswer(await response.text(), headers.get("content-type") ?? "") }
  } catch (error) {
    if (!(error instanceof EgressError)) throw error
    throw faults.lookup_failed({ message: `The provider could not be asked: ${error.message}`, cause: error })
  }
}
