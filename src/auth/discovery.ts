import { isIP } from "node:net"
import { z } from "zod"
import { EgressError } from "../kit/fetch.ts"
import { authFaults } from "./faults.ts"
import type { AuthCtx } from "./mode.ts"

/** Endpoints of an authorization server, as it describes itself (RFC 8414). */
export const ServerMetadata = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  registration_endpoint: z.string().optional(),
  scopes_supported: z.array(z.string()).optional(),
  code_challenge_methods_supported: z.array(z.string()).optional(),
  client_id_metadata_document_supported: z.boolean().optional(),
})
export type ServerMetadata = z.output<typeof ServerMetadata>

/** A resource as it describes itself (RFC 9728). */
const ResourceMetadata = z.looseObject({
  resource: z.string(),
  authorization_servers: z.array(z.string()).optional(),
  scopes_supported: z.array(z.string()).optional(),
})

const maxDocument = 256 * 1024

export type Discovered = { metadata: ServerMetadata; resource: string; scopes: string[] }

/**
 * Finds out how an MCP server wants to be authorized: the resource names its authorization server, that one its endpoints.
 * A server of before RFC 9728 is its own authorization server. Everything found is a stranger's word: addresses must be
 * https and issuers must be who they say. Throws `mcp_discovery_error`.
 */
export async function discoverServer(ctx: AuthCtx, serverUrl: string): Promise<Discovered> {
  const server = readHttps(serverUrl, "The MCP server URL")
  const described = await findResource(ctx, server)
  // A resource that speaks for another one would lead our tokens there (RFC 9728 §3.3).
  if (described && !isPrefix(new URL(described.resource), server)) {
    throw authFaults.mcp_discovery_error({ message: "The MCP server describes another resource." })
  }
  const issuer = readHttps(described?.authorization_servers?.[0] ?? server.origin, "The authorization server")
  const metadata = await findServer(ctx, issuer)
  if (!metadata) throw authFaults.mcp_discovery_error()
  if (withoutSlash(metadata.issuer) !== withoutSlash(issuer.href)) {
    throw authFaults.mcp_discovery_error({ message: "The authorization server names another issuer." })
  }
  for (const url of [metadata.authorization_endpoint, metadata.token_endpoint]) readHttps(url, "An endpoint")
  const methods = metadata.code_challenge_methods_supported
  if (methods && !methods.includes("S256")) {
    throw authFaults.mcp_discovery_error({ message: "The authorization server does not support PKCE with S256." })
  }
  const scopes = described?.scopes_supported ?? metadata.scopes_supported ?? []
  return { metadata, resource: described?.resource ?? serverUrl, scopes }
}

/** https, a name and not an address, and not this machine. */
export function readHttps(text: string, what: string): URL {
  const url = URL.parse(text)
  const host = url?.hostname ?? ""
  const isLocal = host === "localhost" || host.endsWith(".localhost") || host.startsWith("[") || isIP(host) !== 0
  if (url?.protocol === "https:" && !isLocal && url.username === "") return url
  throw authFaults.mcp_discovery_error({ message: `${what} must be an https URL with a host name.` })
}

async function findResource(ctx: AuthCtx, server: URL) {
  const named = await resourceInChallenge(ctx, server)
  const path = withoutSlash(server.pathname)
  const base = `${server.origin}/.well-known/oauth-protected-resource`
  for (const url of new Set([...(named ? [named] : []), `${base}${path}`, base])) {
    const parsed = ResourceMetadata.safeParse(await readDocument(ctx, url))
    if (parsed.success && URL.canParse(parsed.data.resource)) return parsed.data
  }
  return undefined
}

/** RFC 9728 §5.1: a refusal may say where the description is. It counts only when it is the server's own. */
async function resourceInChallenge(ctx: AuthCtx, server: URL): Promise<string | undefined> {
  const response = await get(ctx, server.href)
  await drop(response)
  const challenge = response?.headers.get("www-authenticate") ?? ""
  const named = URL.parse(/resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? "")
  return named?.origin === server.origin ? named.href : undefined
}

/** RFC 8414 §3.1 puts the name before the issuer's path; OpenID Connect puts it behind. */
async function findServer(ctx: AuthCtx, issuer: URL): Promise<ServerMetadata | undefined> {
  const path = withoutSlash(issuer.pathname)
  const places = [
    `${issuer.origin}/.well-known/oauth-authorization-server${path}`,
    `${issuer.origin}/.well-known/openid-configuration${path}`,
    `${issuer.origin}${path}/.well-known/openid-configuration`,
  ]
  for (const url of new Set(places)) {
    const parsed = ServerMetadata.safeParse(await readDocument(ctx, url))
    if (parsed.success) return parsed.data
  }
  return undefined
}

async function readDocument(ctx: AuthCtx, url: string): Promise<unknown> {
  const response = await get(ctx, url)
  if (!response?.ok) {
    await drop(response)
    return undefined
  }
  try {
    return await response.json()
  } catch (error) {
    // A page instead of a document: the next place is tried.
    if (error instanceof SyntaxError || error instanceof EgressError) return undefined
    throw lateOr(ctx, error)
  }
}

async function get(ctx: AuthCtx, url: string): Promise<Response | undefined> {
  const startedAt = ctx.now()
  const began = performance.now()
  const message = `GET ${new URL(url).origin}${new URL(url).pathname}`
  const note = (outcome: { status?: number; error?: string }) =>
    ctx.exchanges.push({ message, startedAt, durationMs: Math.round(performance.now() - began), ...outcome })
  try {
    const headers = { accept: "application/json", "user-agent": "sluice" }
    const { timeoutMs, signal } = ctx
    const response = await ctx.egress.send({
      url,
      headers,
      redirect: "manual",
      maxBytes: maxDocument,
      timeoutMs,
      signal,
    })
    note({ status: response.status })
    return response
  } catch (error) {
    if (!(error instanceof EgressError)) throw lateOr(ctx, error)
    note({ error: error.message })
    return undefined
  }
}

/** Nobody reads the rest, so it is no matter that it broke off. */
const drop = (response?: Response) => response?.body?.cancel().catch(() => undefined)

const lateOr = ({ signal }: AuthCtx, error: unknown): unknown =>
  signal.aborted ? authFaults.mcp_discovery_error({ message: "The MCP server did not answer in time." }) : error

const withoutSlash = (text: string): string => text.replace(/\/+$/, "")
const isPrefix = (resource: URL, server: URL): boolean =>
  resource.origin === server.origin &&
  `${withoutSlash(server.pathname)}/`.startsWith(`${withoutSlash(resource.pathname)}/`)
