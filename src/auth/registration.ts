import { authFaults } from "./faults.ts"
import type { AuthCtx, AuthTarget } from "./mode.ts"
import { memberAt, textAt } from "./token-answer.ts"
import { refusal, requestToken } from "./token-request.ts"

export type RegisteredClient = { client_id: string; client_secret?: string }

/** Registers this server as a public client (RFC 7591). Throws `client_registration_error`. */
export async function registerClient(
  ctx: AuthCtx,
  input: { url: string; callbackUrl: string; clientName: string; more?: Record<string, unknown> },
): Promise<RegisteredClient> {
  const refused = authFaults.client_registration_error
  const { status, body } = await requestToken(ctx, {
    url: input.url,
    format: "json",
    params: {
      redirect_uris: [input.callbackUrl],
      token_endpoint_auth_method: "none",
      client_name: input.clientName,
      ...input.more,
    },
    secrets: [],
    refused,
  })
  const client_id = textAt(body, "client_id")
  if (client_id === undefined) throw refusal({ secrets: [], refused }, status, body)
  const client_secret = memberAt(body, "client_secret")
  return { client_id, ...(typeof client_secret === "string" && client_secret !== "" ? { client_secret } : {}) }
}

/**
 * The document that describes this server as a client of MCP authorization servers; its own address is the client id, byte
 * for byte (OAuth Client ID Metadata Document).
 */
export function clientMetadata(
  ctx: Pick<AuthCtx, "serverUrl" | "environment">,
  target: AuthTarget,
  callbackUrl: string,
) {
  const { oauth_client_name, oauth_client_uri, oauth_client_logo_uri } = target.custom
  return {
    client_id: clientMetadataUrl(ctx, target),
    client_name: oauth_client_name || clientName(ctx, target),
    client_uri: oauth_client_uri || ctx.serverUrl(),
    ...(oauth_client_logo_uri ? { logo_uri: oauth_client_logo_uri } : {}),
    redirect_uris: [callbackUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  }
}

export const clientMetadataUrl = (ctx: Pick<AuthCtx, "serverUrl" | "environment">, { uniqueKey }: AuthTarget): string =>
  `${ctx.serverUrl()}/oauth/client-metadata/${ctx.environment.uuid}/${encodeURIComponent(uniqueKey)}`

/** Authorization servers only fetch a description over https. */
export const canDescribe = (ctx: Pick<AuthCtx, "serverUrl">): boolean => ctx.serverUrl().startsWith("https://")

export const clientName = (ctx: Pick<AuthCtx, "environment">, { providerName }: AuthTarget): string =>
  `sluice - ${ctx.environment.name} - ${providerName}`
