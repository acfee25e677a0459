import type { ExchangeRecipe, ExtraToken, TokenExchange } from "./exchange.ts"

const form = { client: "body", format: "form" } as const
const basic = { client: "basic", format: "form" } as const
const json = { client: "body", format: "json" } as const
/** What goes along by the standard, and some providers will not have. */
const standard = ["grant_type", "redirect_uri", "code_verifier"]
const same = (exchange: TokenExchange): ExchangeRecipe => ({
  token_exchange: exchange,
  refresh_exchange: exchange,
})

/** A token of an hour, and the secret key in place of a client. https://docs.stripe.com/stripe-apps/api-authentication/oauth */
const stripeApp = same({
  client: "basic_secret",
  format: "form",
  omit: ["redirect_uri", "code_verifier"],
  expires_in: 3600,
})
/** https://developers.figma.com/docs/rest-api/authentication/ */
const figma: ExchangeRecipe = {
  token_exchange: { ...json, omit: ["redirect_uri"], query: { redirect_uri: "${redirectUri}" } },
  refresh_exchange: { ...json, omit: ["grant_type"] },
}
/** A short token buys one of sixty days, which buys its own successor. https://developers.facebook.com/docs/threads */
const longLived = (graph: string, prefix: string): ExchangeRecipe => ({
  token_exchange: {
    ...form,
    then: {
      url: `${graph}/access_token`,
      method: "GET",
      client: "body",
      omit: ["client_id"],
      params: { grant_type: `${prefix}_exchange_token`, access_token: "${accessToken}" },
    },
  },
  refresh_exchange: {
    method: "GET",
    client: "none",
    omit: ["client_id", "refresh_token"],
    params: { grant_type: `${prefix}_refresh_token`, access_token: "${accessToken}" },
    only_when_forced: true,
    without_refresh_token: true,
  },
})
/** Errors come with status 200 and a number. */
const tiktokBad = [{ path: "code", matches: "^[1-9]" }]
/** https://learn.microsoft.com/en-us/entra/identity-platform/v2-admin-consent */
const ofTenant = (tenant: string): TokenExchange => ({
  url: `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`,
  ...form,
  omit: ["code", "redirect_uri", "code_verifier", "refresh_token"],
  params: { grant_type: "client_credentials", scope: "${scopes}" },
})
const sharepoint: ExtraToken = {
  save: "sharepointAccessToken",
  url: "https://login.microsoftonline.com/${claims.tid}/oauth2/v2.0/token",
  params: {
    grant_type: "refresh_token",
    refresh_token: "${refreshToken}",
    scope: "https://${claims.tid}.sharepoint.com/Sites.Read.All",
  },
}
/** The token of the login is not yet one of the API. https://bullhorn.github.io/rest-api-docs/ (get started) */
const login: NonNullable<TokenExchange["then"]> = {
  url: "https://rest-west.bullhornstaffing.com/rest-services/login",
  format: "query",
  client: "none",
  omit: ["client_id"],
  params: { version: "*", ttl: 10_080, access_token: "${accessToken}" },
  response: { access_token: "BhRestToken" },
  expires_in: 10_080 * 60,
}
const bullhorn: TokenExchange = { client: "body", format: "query", then: login }
/** Thirty more days for the token that there is. */
const coros: ExchangeRecipe = {
  token_exchange: { ...form },
  refresh_exchange: {
    ...form,
    same_token: true,
    expires_in: 2_592_000,
    fail_if: [
      { path: "result", missing: true },
      { path: "result", matches: "^(?!0000$)" },
    ],
  },
}
const publicClient: ExchangeRecipe = { token_exchange: { client: "none", format: "form" } }
const secretless = same({ client: "none", format: "form", omit: ["client_id"] })
const shoplineSign = (of: string): TokenExchange => ({
  format: "json",
  client: "none",
  omit: [...standard, "client_id", "refresh_token"],
  headers: { appkey: "${clientId}", timestamp: "${now:x}" },
  sign: { header: "sign", of },
  response_path: "data",
  response: { access_token: "accessToken", expires_at: "expireTime" },
})
const atSentry = same({
  ...json,
  omit: ["redirect_uri", "code_verifier"],
  response: { access_token: "token", refresh_token: "refreshToken", expires_at: "expiresAt" },
})
/** Its data centres. https://www.zoho.com/accounts/protocol/oauth/multi-dc.html */
const zoho: ExchangeRecipe = {
  token_hosts: [
    ...["com", "eu", "in", "com.au", "com.cn", "jp", "sa", "uk"].map((ending) => `zoho.${ending}`),
    "zohocloud.ca",
  ],
}

/**
 * What entries of these ids need beyond the public catalogue format, which says nothing of it: the reference keys it by
 * provider id as well. An entry that brings any of it by itself gets none of this.
 */
export const exchangeRecipes: Record<string, ExchangeRecipe> = {
  "absorb-lms": {
    token_exchange: {
      ...form,
      headers: { "x-api-key": "${connectionConfig.apiKey}", "x-api-version": "${connectionConfig.apiVersion} || 2" },
      params: { nonce: "${random}", scope: "${scopes}" },
    },
  },
  agiloft: { refresh_exchange: { ...form, params: { md5_secret: "${clientSecretHead}" } } },
  "attio-mcp": publicClient,
  bullhorn: same(bullhorn),
  clover: {
    token_exchange: {
      ...json,
      omit: standard,
      response: { expires_at: "access_token_expiration" },
    },
    refresh_exchange: {
      client: "none",
      format: "json",
      omit: standard,
      response: { expires_at: "access_token_expiration" },
    },
  },
  coros,
  "coros-sandbox": coros,
  facebook: {
    token_exchange: {
      ...json,
      omit: ["redirect_uri", "grant_type"],
      query: { redirect_uri: "${redirectUri}" },
    },
    refresh_exchange: {
      client: "body",
      format: "query",
      omit: ["refresh_token"],
      params: { grant_type: "fb_exchange_token", fb_exchange_token: "${accessToken}" },
      only_when_forced: true,
      without_refresh_token: true,
    },
  },
  fanvue: { token_exchange: basic },
  figjam: figma,
  figma,
  followupboss: { token_exchange: { ...basic, params: { state: "${state}" } } },
  // https://docs.github.com/en/rest/apps/installations (list app installations accessible to the user access token)
  "github-app-oauth": {
    installation_proof: {
      endpoint: "/user/installations?per_page=100&page=${page}",
      list: "installations",
      id: "id",
    },
  },
  heygen: publicClient,
  instagram: longLived("https://graph.instagram.com", "ig"),
  jobber: { token_exchange: { ...form, expires_in: 3600 } },
  mercury: secretless,
  "microsoft-admin": {
    token_exchange: ofTenant("${code}"),
    refresh_exchange: { ...ofTenant("${claims.tid}"), without_refresh_token: true },
  },
  "microsoft-teams-bot": {
    extra_token: {
      save: "botFrameworkAccessToken",
      url: "https://login.microsoftonline.com/${connectionConfig.botHostTenantId}/oauth2/v2.0/token",
      params: { grant_type: "client_credentials", scope: "https://api.botframework.com/.default" },
    },
  },
  "one-drive": { extra_token: sharepoint },
  "posthog-oauth": publicClient,
  // https://developer.revolut.com/docs/guides/manage-accounts/get-started/make-your-first-api-request
  "revolut-business": {
    token_exchange: {
      client: "assertion",
      assertion: { iss: "${callbackHost}", aud: "https://revolut.com" },
      format: "form",
    },
  },
  "sentry-oauth": atSentry,
  "sharepoint-online": { extra_token: sharepoint },
  "shopline-oauth": {
    token_exchange: { ...shoplineSign("${body}${now:x}") },
    refresh_exchange: { ...shoplineSign("${now:x}"), without_refresh_token: true },
  },
  slack: {
    token_exchange: { ...form, fail_if: [{ path: "ok", equals: false }] },
    refresh_exchange: { ...form, fail_if: [{ path: "ok", equals: false }], keep_raw: ["authed_user"] },
  },
  "stripe-app": stripeApp,
  "stripe-app-sandbox": stripeApp,
  threads: longLived("https://graph.threads.net", "th"),
  "tiktok-accounts": {
    token_exchange: { ...json, rename: { code: "auth_code" }, response_path: "data", fail_if: tiktokBad },
    refresh_exchange: { ...json, response_path: "data", fail_if: tiktokBad },
  },
  "tiktok-ads": {
    token_exchange: {
      ...json,
      rename: { client_id: "app_id", client_secret: "secret", code: "auth_code" },
      omit: standard,
      response_path: "data",
      fail_if: tiktokBad,
    },
  },
  "tiktok-personal": { token_exchange: { ...form, rename: { client_id: "client_key" } } },
  // https://developer.walmart.com/us-marketplace/docs/get-an-access-token
  walmart: {
    token_exchange: {
      ...basic,
      headers: {
        "WM_SVC.name": "Walmart Marketplace",
        "WM_QOS.CORRELATION_ID": "${random}",
        "WM_PARTNER.id": "${connectionConfig.sellerId}",
      },
    },
  },
  "workday-oauth": { token_exchange: { ...basic, expires_in: 3600 } },
  ...Object.fromEntries(
    ["", "books", "crm", "calendar", "desk", "inventory", "invoice", "mail", "bigin", "people", "recruit"].map(
      (product) => [product === "" ? "zoho" : `zoho-${product}`, zoho],
    ),
  ),
}
