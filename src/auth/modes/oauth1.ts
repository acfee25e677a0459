import { type SignatureMethod, signOAuth1 } from "../../kit/oauth1.ts"
import { joinScopes } from "../authorize-url.ts"
import { clientOf } from "../client.ts"
import { authFaults } from "../faults.ts"
import type {
  AuthCtx,
  Authorization,
  AuthorizationAnswer,
  AuthorizationRequest,
  AuthTarget,
  Mode,
  Obtained,
} from "../mode.ts"
import { tokenUrlOf } from "../oauth2-exchange.ts"
import { renderTexts, renderUrl, scopeOf } from "../scope.ts"
import { metadataOf, textAt } from "../token-answer.ts"
import { flatPairs, refusal, requestToken, withQuery } from "../token-request.ts"

/** Three-legged OAuth 1.0a (RFC 5849 §2). Its tokens have no end and are never renewed. */
export const oauth1: Mode = {
  stores: ["OAUTH1"],
  verified: false,
  open: ["oauth_token"],
  browser: { start: startOAuth1, finish: finishOAuth1 },
}

async function startOAuth1(ctx: AuthCtx, target: AuthTarget, request: AuthorizationRequest): Promise<Authorization> {
  const { provider } = target
  if (!provider.request_url || !provider.authorization_url) {
    throw authFaults.provider_config_err({ message: "The provider's entry lacks a URL of OAuth 1." })
  }
  const scope = scopeOf(ctx, target)
  const callback = withQuery(request.callbackUrl, { state: request.state })
  const body = await ask(ctx, target, {
    url: renderUrl(provider.request_url, scope).href,
    extra: { oauth_callback: callback },
    form: renderTexts(provider.request_params, scope),
  })
  const url = withQuery(renderUrl(provider.authorization_url, scope).href, {
    oauth_token: body.token,
    scope: joinScopes(target, request.scopes) || undefined,
    ...renderTexts(provider.authorization_params, scope),
    ...request.params,
    oauth_callback: callback,
  })
  const remembered = { callbackUrl: request.callbackUrl, requestToken: body.token, requestTokenSecret: body.secret }
  return { url, remembered }
}

async function finishOAuth1(ctx: AuthCtx, target: AuthTarget, answer: AuthorizationAnswer): Promise<Obtained> {
  const { provider } = target
  const { oauth_token: token, oauth_verifier: verifier } = answer.query
  const { requestToken, requestTokenSecret } = answer.remembered
  // The token names the attempt: one of another attempt would connect somebody else's account (RFC 5849 §4.9).
  if (!token || !verifier || token !== requestToken)
    throw authFaults.callback_err({ message: "The provider sent no verifier for this attempt." })
  const scope = scopeOf(ctx, target)
  const body = await ask(ctx, target, {
    url: renderUrl(tokenUrlOf(provider, "OAUTH1"), scope).href,
    extra: { oauth_verifier: verifier },
    form: renderTexts(provider.token_params, scope),
    token,
    tokenSecret: requestTokenSecret,
  })
  const raw = typeof body.raw === "object" && !Array.isArray(body.raw) ? body.raw : { body: body.raw }
  return {
    credentials: { type: "OAUTH1", oauth_token: body.token, oauth_token_secret: body.secret, raw },
    connectionConfig: {
      ...metadataOf(raw, provider.token_response_metadata),
      ...metadataOf(answer.query, provider.redirect_uri_metadata),
    },
  }
}

type Ask = {
  url: string
  extra: Record<string, string>
  form: Record<string, string>
  token?: string
  tokenSecret?: string
}

async function ask(ctx: AuthCtx, target: AuthTarget, input: Ask) {
  const client = clientOf(target)
  const authorization = signOAuth1({
    method: "POST",
    url: new URL(input.url),
    consumerKey: client.id,
    consumerSecret: client.secret,
    token: input.token,
    tokenSecret: input.tokenSecret,
    signatureMethod: signatureMethod(target),
    nonce: crypto.randomUUID().replaceAll("-", ""),
    timestamp: Math.floor(ctx.now().getTime() / 1000),
    extra: input.extra,
    bodyParams: flatPairs(input.form),
  })
  const secrets = [client.secret, input.token, input.tokenSecret, ...Object.values(input.extra)]
  const refused = authFaults.token_err
  const hasForm = Object.keys(input.form).length > 0
  const { status, body } = await requestToken(ctx, {
    url: input.url,
    ...(hasForm ? { params: input.form } : {}),
    headers: { authorization, accept: "*/*" },
    secrets,
    refused,
  })
  const token = textAt(body, "oauth_token")
  const secret = textAt(body, "oauth_token_secret")
  if (token === undefined || secret === undefined) throw refusal({ secrets, refused }, status, body)
  return { token, secret, raw: body }
}

/** Throws `provider_config_err` for a method that RFC 5849 and its successors do not know. */
function signatureMethod({ provider }: AuthTarget): SignatureMethod {
  const method = provider.signature_method ?? "HMAC-SHA1"
  if (method === "HMAC-SHA1" || method === "HMAC-SHA256" || method === "PLAINTEXT") return method
  throw authFaults.provider_config_err({ message: "The provider's entry names an unknown signature method." })
}
