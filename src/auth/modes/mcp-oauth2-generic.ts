import { renderTree } from "../../providers/template.ts"
import type { OAuth2Credentials } from "../credentials.ts"
import { discoverServer, type Discovered, readHttps, ServerMetadata } from "../discovery.ts"
import { authFaults } from "../faults.ts"
import type { AuthCtx, Authorization, AuthorizationRequest, AuthTarget, Mode } from "../mode.ts"
import { canDescribe, clientMetadataUrl, clientName, registerClient } from "../registration.ts"
import { finishOAuth2, oauth2, renewOAuth2, startOAuth2 } from "./oauth2.ts"

/** The client id where a server neither reads descriptions nor registers clients. */
const staticClientId = "nango-client"

/**
 * OAuth 2 of any MCP server: all that is known is `connection_config.mcp_server_url`; the rest is discovered, and kept with
 * the connection. Tokens are asked for this one resource (RFC 8707).
 */
export const mcpOAuth2Generic: Mode = {
  ...oauth2,
  typed: undefined,
  browser: {
    start,
    finish: (ctx, target, answer) =>
      finishOAuth2(ctx, withEndpoints(target, answer.remembered.connectionConfig), answer),
  },
  renew: (ctx, target, stored) =>
    renewOAuth2(ctx, withEndpoints(target), stored as OAuth2Credentials, { resource: resourceOf(target) }),
}

async function start(ctx: AuthCtx, target: AuthTarget, request: AuthorizationRequest): Promise<Authorization> {
  const server = target.connectionConfig.mcp_server_url
  if (typeof server !== "string")
    throw authFaults.url_param_err({ message: "connection_config.mcp_server_url is required." })
  const found = await discoverServer(ctx, server)
  const connectionConfig = {
    oauth_metadata: found.metadata,
    oauth_client_info: await clientFor(ctx, target, found, request.callbackUrl),
    oauth_resource_url: found.resource,
  }
  const known = withEndpoints(target, connectionConfig)
  const started = await startOAuth2(ctx, known, {
    ...request,
    scopes: request.scopes ?? (found.scopes.length > 0 ? found.scopes.join(",") : undefined),
    more: { resource: found.resource },
  })
  return { ...started, remembered: { ...started.remembered, connectionConfig } }
}

async function clientFor(ctx: AuthCtx, target: AuthTarget, { metadata }: Discovered, callbackUrl: string) {
  if (metadata.client_id_metadata_document_supported && canDescribe(ctx))
    return { client_id: clientMetadataUrl(ctx, target) }
  const url = metadata.registration_endpoint
  if (!url) return { client_id: staticClientId }
  const { oauth_client_name, oauth_client_uri, oauth_client_logo_uri } = target.custom
  const more = {
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    ...(oauth_client_uri ? { client_uri: oauth_client_uri } : {}),
    ...(oauth_client_logo_uri ? { logo_uri: oauth_client_logo_uri } : {}),
  }
  const name = oauth_client_name || clientName(ctx, target)
  return registerClient(ctx, {
    url: readHttps(url, "The registration endpoint").href,
    callbackUrl,
    clientName: name,
    more,
  })
}

/** The provider with the endpoints that this connection discovered. They are data, not templates. */
function withEndpoints(target: AuthTarget, more: Record<string, unknown> = {}): AuthTarget {
  const connectionConfig = { ...target.connectionConfig, ...more }
  const metadata = ServerMetadata.safeParse(connectionConfig.oauth_metadata)
  if (!metadata.success)
    throw authFaults.mcp_discovery_error({ message: "The connection has not discovered its server yet." })
  const { authorization_endpoint, token_endpoint } = metadata.data
  for (const url of [authorization_endpoint, token_endpoint]) readHttps(url.replaceAll("${", ""), "An endpoint")
  const resource = { resource: String(connectionConfig.oauth_resource_url ?? "") }
  const own = renderTree(target.provider.token_params ?? {}, { connectionConfig }) as Record<string, unknown>
  const provider = {
    ...target.provider,
    authorization_url: authorization_endpoint.replaceAll("${", "%24%7B"),
    token_url: token_endpoint.replaceAll("${", "%24%7B"),
    token_params: { ...own, ...resource },
  }
  return { ...target, provider, connectionConfig }
}

const resourceOf = ({ connectionConfig }: AuthTarget): string => String(connectionConfig.oauth_resource_url ?? "")
