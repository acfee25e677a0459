import { z } from "zod"
import { isKeyPair, wrapPem } from "../../kit/pem.ts"
import { renderTree } from "../../providers/template.ts"
import { joinScopes, listScopes } from "../authorize-url.ts"
import { assertionType, basicRaw, clientAssertion, readJwk } from "../client.ts"
import type { OAuth2ClientCredentials } from "../credentials.ts"
import { isoExpiry, readInstant, readSpan } from "../expiry.ts"
import { authFaults } from "../faults.ts"
import type { AuthCtx, AuthTarget, Mode, Obtained } from "../mode.ts"
import { tokenUrlOf } from "../oauth2-exchange.ts"
import { renderUrl, scopeOf } from "../scope.ts"
import { type AnswerBody, memberAt, metadataOf, textAt } from "../token-answer.ts"
import { refusal, requestToken } from "../token-request.ts"
import { readTyped } from "../typed.ts"

const Pem = z.string().max(10_000).optional()
const Typed = z.object({
  client_id: z.string().max(255).default(""),
  client_secret: z.string().max(2048).optional(),
  client_certificate: Pem,
  client_private_key: Pem,
})
type Typed = z.output<typeof Typed>

/** A token without an end is asked for again after this time. */
const defaultLifeMs = 55 * 60_000

/** Client credentials (RFC 6749 §4.4), also with mutual TLS (RFC 8705) and private_key_jwt (RFC 7523). */
export const oauth2Cc: Mode = {
  stores: ["OAUTH2_CC"],
  verified: false,
  open: ["client_id", "client_certificate"],
  typed: async (ctx, target, input) => fetchToken(ctx, target, readTyped(Typed, input)),
  renew: (ctx, target, stored) => fetchToken(ctx, target, stored as OAuth2ClientCredentials),
}

async function fetchToken(ctx: AuthCtx, target: AuthTarget, typed: Typed): Promise<Obtained> {
  const { provider } = target
  const { client_id, client_secret = "", client_certificate, client_private_key } = typed
  if (client_id === "") throw authFaults.missing_client_id()
  const refused = authFaults.client_credentials_fetch_error
  const scope = scopeOf(ctx, target)
  const url = renderUrl(tokenUrlOf(provider, "OAUTH2_CC"), scope)
  const proof = proveClient(ctx, target, typed, url)
  const scopes = listScopes(target).length > 0 ? { scope: joinScopes(target) } : {}
  const overrides = target.connectionConfig.authorization_params
  const params = {
    ...proof.params,
    ...(renderTree(provider.token_params ?? {}, scope) as Record<string, unknown>),
    ...scopes,
    ...(typeof overrides === "object" && overrides !== null ? (overrides as Record<string, unknown>) : {}),
  }
  const secrets = [client_secret, client_private_key]
  const { status, body } = await requestToken(ctx, {
    url: url.href,
    format: provider.body_format,
    params,
    headers: proof.headers,
    tls: clientTls(target, typed),
    secrets,
    refused,
  })
  const token = textAt(body, "access_token") ?? textAt(body, "data.token") ?? textAt(body, "jwt")
  if (token === undefined) throw refusal({ secrets, refused }, status, body)
  const credentials: OAuth2ClientCredentials = {
    type: "OAUTH2_CC",
    token,
    client_id,
    client_secret,
    ...(client_certificate ? { client_certificate } : {}),
    ...(client_private_key ? { client_private_key } : {}),
    expires_at: isoExpiry(expiryOf(ctx, target, body)),
    raw: typeof body === "object" && !Array.isArray(body) ? body : { body },
  }
  return { credentials, connectionConfig: metadataOf(body, provider.token_response_metadata) }
}

type Proof = { params: Record<string, unknown>; headers: Record<string, string> }

function proveClient(ctx: AuthCtx, { provider }: AuthTarget, typed: Typed, url: URL): Proof {
  const { client_id, client_secret = "", client_private_key } = typed
  const way = provider.token_request_auth_method
  if (way === "private_key_jwt") {
    if (!client_private_key) throw authFaults.missing_client_private_key()
    const { key, kid } = readJwk(client_private_key)
    const client_assertion = clientAssertion({ clientId: client_id, audience: url.href, key, kid, now: ctx.now() })
    return { params: { client_id, client_assertion_type: assertionType, client_assertion }, headers: {} }
  }
  if (client_secret === "") throw authFaults.missing_client_secret()
  if (way === "basic") return { params: {}, headers: { authorization: basicRaw(client_id, client_secret) } }
  if (way === "custom") return { params: { username: client_id, password: client_secret }, headers: {} }
  return { params: { client_id, client_secret }, headers: {} }
}

function clientTls({ provider }: AuthTarget, typed: Typed): { cert: string; key: string } | undefined {
  const { client_certificate: certificate, client_private_key: privateKey } = typed
  if (!certificate || !privateKey) {
    if (!provider.require_client_certificate) return undefined
    throw authFaults.invalid_certificate_or_key_format({
      message: "The provider wants a client certificate and its key.",
    })
  }
  const cert = wrapPem(certificate)
  const key = wrapPem(privateKey)
  if (!isKeyPair(cert, key)) throw authFaults.invalid_certificate_or_key_format()
  return { cert, key }
}

function expiryOf(ctx: AuthCtx, { provider }: AuthTarget, body: AnswerBody): number {
  const now = ctx.now()
  const at = readInstant(memberAt(body, "expires_at"), now)
  if (at !== undefined) return at
  const span = readSpan(memberAt(body, "expires_in"), provider.expires_in_unit === "milliseconds" ? 1 : 1000)
  return now.getTime() + (span ?? defaultLifeMs)
}
