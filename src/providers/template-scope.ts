import { randomUUID } from "node:crypto"
import { formatDate, shiftDate } from "./date-format.ts"

/**
 * The names that a template may use: `connectionConfig` and `credentials` (objects), flat names such as `apiKey`,
 * `username`, `accessToken`, `clientId`, the names of the proxied request (`endpoint`, `method`, `host`, `path`,
 * `params`, `urlCanonicalParams`, `bodyCanonicalParams`, `contentType`), and `now` (a Date) and `random` (text).
 */
export type TemplateScope = Record<string, unknown>

/** `object`: `||` works, paths before flat keys. `string`: `||` is text, flat keys before paths. */
export type TemplateEngine = "object" | "string"

type Dictionary = Record<string, unknown>

/**
 * Fixes `now` and `random`, so that every template of one request sees the same instant and the same nonce. A `now`
 * that is a Date already is kept, and with it a `random` that is text.
 */
export function requestScope(base: TemplateScope): TemplateScope {
  const fixed = base.now instanceof Date
  return {
    ...base,
    now: fixed ? base.now : new Date(),
    random: fixed && typeof base.random === "string" ? base.random : randomUUID(),
  }
}

/** Types whose `accessToken` is the token derived from the credentials, whatever else they hold. */
const derivedTokenTypes = new Set(["OAUTH2_CC", "JWT", "SIGNATURE", "TWO_STEP"])

/**
 * The one scope for every place that renders templates for a connection. Later sources win: connection config,
 * credential members, access token, client of the integration, request. What a person typed can never take the place
 * of `connectionConfig`, `credentials`, `now` or `random`.
 */
export function connectionScope(input: {
  connectionConfig?: Dictionary | null
  credentials?: Dictionary | null
  client?: { clientId?: string; clientSecret?: string }
  request?: Dictionary
}): TemplateScope {
  const connectionConfig = input.connectionConfig ?? {}
  const credentials = input.credentials ?? {}
  const derived = derivedTokenTypes.has(String(credentials.type))
  const accessToken = derived ? credentials.token : (credentials.access_token ?? credentials.token)
  const scope: TemplateScope = { ...connectionConfig, ...credentials }
  delete scope.now
  delete scope.random
  if (accessToken !== undefined) scope.accessToken = accessToken
  return {
    ...scope,
    ...input.client,
    ...input.request,
    connectionConfig,
    credentials,
  }
}

const forbidden = new Set(["__proto__", "prototype", "constructor"])
const isDictionary = (value: unknown): value is Dictionary => typeof value === "object" && value !== null

/** The value of a name as text; undefined when it is missing or neither text nor a number. */
export function lookUp(name: string, scope: TemplateScope, engine: TemplateEngine): string | undefined {
  if (name === "random") return typeof scope.random === "string" ? scope.random : randomUUID()
  if (name === "now" || /^now[:+-]/.test(name)) return writeNow(name, scope)
  const flat = engine === "string" ? own(scope, name) : undefined
  const found = flat ?? walk(scope, name) ?? oldConfigKey(name, scope)
  if (found === undefined && engine === "object" && name === "endpoint") return ""
  return found
}

/** The text of a value that may stand in a template. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value
  return typeof value === "number" && Number.isFinite(value) ? String(value) : undefined
}

function own(holder: Dictionary, key: string): string | undefined {
  return Object.hasOwn(holder, key) && !forbidden.has(key) ? textOf(holder[key]) : undefined
}

/** Follows a dotted path. At each step the rest of the path may also be one flat key (`team.id`). */
function walk(holder: Dictionary, path: string): string | undefined {
  const dot = path.indexOf(".")
  if (dot < 0) return own(holder, path)
  const head = path.slice(0, dot)
  if (forbidden.has(head)) return undefined
  const child = Object.hasOwn(holder, head) ? holder[head] : undefined
  const deeper = isDictionary(child) ? walk(child, path.slice(dot + 1)) : undefined
  return deeper ?? own(holder, path)
}

/** Old rows hold keys such as `connectionConfig.subdomain` inside the connection config. */
function oldConfigKey(name: string, scope: TemplateScope): string | undefined {
  const config = Object.hasOwn(scope, "connectionConfig") ? scope.connectionConfig : undefined
  if (!isDictionary(config)) return undefined
  return own(config, name.startsWith(configPrefix) ? name : configPrefix + name)
}

export const configPrefix = "connectionConfig."

/** The instant that `now` stands for. */
export const instantOf = (scope: TemplateScope): Date => (scope.now instanceof Date ? scope.now : new Date())

const nowExpression = /^now(?:([+-]\d{1,9}):([A-Za-z]+))?(?::(.+))?$/s

function writeNow(expression: string, scope: TemplateScope): string | undefined {
  const parts = nowExpression.exec(expression)
  if (!parts) return undefined
  const [, amount, unit, format] = parts
  const now = instantOf(scope)
  const date = amount && unit ? shiftDate(now, Number(amount), unit) : now
  if (!date) return undefined
  return format ? formatDate(date, format) : date.toISOString()
}
