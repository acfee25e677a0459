import type { z } from "zod"
import type { App, Ctx } from "../app/context.ts"
import { authenticate, requireScope } from "../environments/keys.ts"
import type { AppError, Issue } from "../kit/errors.ts"
import type { Endpoint, Reply } from "./endpoint.ts"
import { httpFaults, issuesOf, json, toResponse } from "./errors.ts"
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

/**
 * Answers one request for one route, in a fixed order: content type, body syntax, who calls, what it may do, shapes
 * (query, body, params, headers), the verb. Whatever is thrown becomes an answer here.
 */
export async function answer(
  app: App,
  endpoint: Endpoint,
  request: Request,
  params: Record<string, string>,
): Promise<Response> {
  const requestId = crypto.randomUUID()
  try {
    const url = new URL(request.url)
    checkContentType(url.pathname, request.headers)
    const body = endpoint.method === "GET" && !endpoint.body ? undefined : await readJson(request)
    if (endpoint.access === "anybody")
      return toReply(await endpoint.handle(app, { ...shape(endpoint, url, request, params, body), request }))
    const { environment, caller } = await authenticate(app, request.headers.get("authorization"))
    requireScope(caller, endpoint.scope)
    const ctx: Ctx = { ...app, environment, caller, requestId }
    return toReply(await endpoint.handle(ctx, { ...shape(endpoint, url, request, params, body), request }))
  } catch (error) {
    return toResponse(error, { requestId, log: app.log })
  }
}

function checkContentType(path: string, headers: Headers): void {
  const type = headers.get("content-type")
  if (type === null || type === "" || type.toLowerCase().startsWith("application/json")) return
  if (jsonOnly.has(path.split("/")[1]?.toLowerCase() ?? "")) throw httpFaults.invalid_content_type()
}

/** Far above what people nest; deeper values would exhaust the stack of whoever walks through them. */
const deepest = 1_000

/** An empty body counts as absent; texts and `null` are no bodies. */
async function readJson(request: Request): Promise<unknown> {
  const text = await request.text()
  if (text.trim() === "") return undefined
  const value = parseJson(text)
  if (value === null || typeof value !== "object")
    throw httpFaults.invalid_json({ message: "The body must be a JSON object or array." })
  if (isDeeperThan(value, deepest))
    throw httpFaults.invalid_json({ message: `The body is nested more than ${deepest} levels deep.` })
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw httpFaults.invalid_json({ message: (cause as Error).message, cause })
  }
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== "object") return false
  if (levels === 0) return true
  return Object.values(value).some((member) => isDeeperThan(member, levels - 1))
}

function shape(endpoint: Endpoint, url: URL, request: Request, params: Record<string, string>, body: unknown) {
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
