import type { z } from "zod"
import type { App, Ctx, SessionCtx } from "../app/context.ts"
import { findSession, isSessionToken } from "../connect/sessions.ts"
import { connectFaults } from "../connect/model.ts"
import { authenticate, requireScope } from "../environments/keys.ts"
import type { AppError, Issue } from "../kit/errors.ts"
import { issuesOf } from "../kit/shapes.ts"
import { readBytes, readJson } from "./body.ts"
import { callerAddress } from "./caller-address.ts"
import type { Endpoint, Reply } from "./endpoint.ts"
import { httpFaults, json, toResponse } from "./errors.ts"
import { type Limiter, rateHeaders } from "../kit/limiter.ts"
import { parseQuery } from "./query.ts"

/** Prefixes whose routes take JSON only: a content type that says otherwise is refused before anything else is looked at. */
const jsonOnly = new Set([
  "oauth",
  "api-auth",
  "auth",
  "providers",
  "environments",
  "integrations",
  "connection",
  "connections",
  "environment-variables",
  "environment",
  "sync",
  "cli",
  "records",
  "mcp",
  "scripts",
  "functions",
  "action",
  "connect",
  "v1",
])

/** Where a provider, or a browser that comes from one, calls: whatever type they name, there is no body to misread. */
const anyType = /^\/oauth\/(?:callback|client-metadata)(?:\/|$)/i

/** What every request meets at the door. `peer` is the address at the other end of the socket, where there is one. */
export type Door = { app: App; limiter: Limiter }
type Arrival = { endpoint: Endpoint; request: Request; params: Record<string, string>; peer?: () => string | undefined }
/** The rate headers of the answer, once the request was counted. */
export type Counted = { headers: Record<string, string> }

const nothing = new Uint8Array(0)

/**
 * Answers one request for one route, in a fixed order: content type, body syntax, who calls, how often, what it may do,
 * the route's own guard, shapes (query, body, params, headers), the verb. Whatever is thrown becomes an answer here.
 */
export async function answer(door: Door, arrival: Arrival): Promise<Response> {
  const requestId = crypto.randomUUID()
  const counted: Counted = { headers: {} }
  const response = await handle(door, arrival, requestId, counted).catch((error: unknown) =>
    toResponse(error, { requestId, log: door.app.log }),
  )
  for (const [name, value] of Object.entries(counted.headers)) response.headers.set(name, value)
  return response
}

async function handle(door: Door, arrival: Arrival, requestId: string, counted: Counted): Promise<Response> {
  const { app } = door
  const { endpoint, request } = arrival
  const url = new URL(request.url)
  checkContentType(url.pathname, request.headers)
  if (endpoint.access === "anybody" && endpoint.rawBody) {
    const bytes = await readBytes(request, endpoint.rawBody(app))
    return toReply(await endpoint.handle(app, { ...shape(arrival, url, undefined), request, bytes }))
  }
  const bodyless = (endpoint.method === "GET" && !endpoint.body) || (endpoint.access === "key" && endpoint.rawBody)
  const body = bodyless ? undefined : await readJson(request, app.config.bodyLimitBytes)
  if (endpoint.access === "anybody") {
    const address = callerAddress(request.headers, arrival.peer?.())
    if (endpoint.points) await count(door, request, counted, `address:${address}`, endpoint.points)
    return toReply(await endpoint.handle(app, { ...shape(arrival, url, body), request, bytes: nothing }))
  }
  if (endpoint.access === "session") {
    const ctx = await admitSession(door, { request, url, requestId, counted, token: endpoint.token })
    return toReply(await endpoint.handle(ctx, { ...shape(arrival, url, body), request, bytes: nothing }))
  }
  const { scope, sessions } = endpoint
  const ctx = await admit(door, { request, scope, sessions, requestId, counted })
  endpoint.guard?.(request)
  const bytes = endpoint.rawBody ? await readBytes(request, endpoint.rawBody(app)) : nothing
  return toReply(await endpoint.handle(ctx, { ...shape(arrival, url, body), request, bytes }))
}

type Arriving = { request: Request; requestId: string; counted: Counted }
type Admission = Arriving & { scope: string | string[]; sessions?: true }

/** Who calls, how often, and whether it may do this: the context of the request, or the refusal. */
export async function admit(door: Door, admission: Admission): Promise<Ctx> {
  const { request, scope, requestId, counted } = admission
  const header = request.headers.get("authorization")
  const bearer = bearerOf(header)
  if (admission.sessions && isSessionToken(bearer)) {
    const { session, environment } = await findSession(door.app, bearer)
    await count(door, request, counted, `session:${session.id}`, 1)
    const caller = { kind: "session" as const, scopes: ["environment:integrations:list"], allowed: session.allowed }
    requireScope(caller, scope)
    return { ...door.app, environment, caller, requestId }
  }
  const isScript = !admission.sessions && request.headers.get("nango-is-script")?.toLowerCase() === "true"
  const { environment, caller } = await authenticate(door.app, header, isScript)
  await count(door, request, counted, `key:${environment.id}:${caller.keyId}${isScript ? ":script" : ""}`, 1)
  requireScope(caller, scope)
  return { ...door.app, environment, caller, requestId }
}

const bearerOf = (header: string | null): string => header?.replace(/^.*bearer\s+/i, "").trim() ?? ""

type SessionAdmission = Arriving & { url: URL; token: "header" | "query" }

/** The connect session that a browser calls with. Public keys, which older front ends send, are refused by name. */
async function admitSession(door: Door, admission: SessionAdmission): Promise<SessionCtx> {
  const { request, url, requestId, counted } = admission
  const inQuery = admission.token === "query"
  const token = inQuery ? url.searchParams.get("connect_session_token") : bearerOf(request.headers.get("authorization"))
  if (inQuery && token === null) {
    throw url.searchParams.has("public_key")
      ? connectFaults.deprecated_authentication()
      : connectFaults.missing_public_key()
  }
  const { session, environment } = await findSession(door.app, token ?? "")
  await count(door, request, counted, `session:${session.id}`, 1)
  return { ...door.app, environment, session, requestId }
}

/** Counts the request, and refuses it when the caller has used up the running window. A limiter that fails limits nobody. */
async function count(door: Door, request: Request, counted: Counted, bucket: string, points: number): Promise<void> {
  const allowance = await door.limiter.take(bucket, points).catch((error: unknown) => {
    door.app.log.error({ err: error }, "requests cannot be counted")
    return undefined
  })
  if (!allowance) return
  counted.headers = rateHeaders(allowance)
  if (!allowance.exceeded) return
  const { method, url } = request
  throw httpFaults.too_many_request({
    extra: { method, path: new URL(url).pathname },
    headers: { "retry-after": String(allowance.retryAfterSeconds) },
  })
}

function checkContentType(path: string, headers: Headers): void {
  const type = headers.get("content-type")
  if (type === null || type === "" || type.toLowerCase().startsWith("application/json")) return
  if (anyType.test(path)) return
  if (jsonOnly.has(path.split("/")[1]?.toLowerCase() ?? "")) throw httpFaults.invalid_content_type()
}

function shape({ endpoint, request, params }: Arrival, url: URL, body: unknown) {
  return {
    query: readQuery(endpoint, url),
    body: endpoint.body
      ? check(endpoint.body, body ?? {}, httpFaults.invalid_body)
      : refuseMembers(body, httpFaults.invalid_body),
    params: endpoint.params ? check(endpoint.params, params, httpFaults.invalid_uri_params) : undefined,
    headers: endpoint.headers
      ? check(endpoint.headers, Object.fromEntries(request.headers), httpFaults.invalid_headers)
      : undefined,
  }
}

function readQuery(endpoint: Endpoint, url: URL): unknown {
  const query = parseQuery(url.search)
  if (endpoint.query) return check(endpoint.query, query, httpFaults.invalid_query_params)
  if (!endpoint.ignoreQuery) refuseMembers(query, httpFaults.invalid_query_params)
  return undefined
}

type RaiseIssues = (details: { errors: Issue[] }) => AppError

/** Refuses any member where none is expected, in the words of zod. */
function refuseMembers(value: unknown, fault: RaiseIssues): undefined {
  const names = Object.keys((value as object | undefined) ?? {})
  if (names.length === 0) return undefined
  const message = `Unrecognized key${names.length === 1 ? "" : "s"}: ${names.map((name) => `"${name}"`).join(", ")}`
  throw fault({ errors: [{ code: "unrecognized_keys", message, path: [] }] })
}

function check<S extends z.ZodType>(schema: S, value: unknown, fault: RaiseIssues): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw fault({ errors: issuesOf(parsed.error) })
}

function toReply(result: unknown): Response {
  if (result instanceof Response) return result
  if (!isReply(result)) return json(200, result)
  if (result.text !== undefined) {
    return new Response(result.text, {
      status: result.status,
      headers: { "content-type": "application/json; charset=utf-8", ...result.headers },
    })
  }
  if (result.body === undefined) return new Response(null, { status: result.status, headers: result.headers })
  return json(result.status, result.body, result.headers)
}

const isReply = (result: unknown): result is Reply => typeof result === "object" && result !== null && "reply" in result
