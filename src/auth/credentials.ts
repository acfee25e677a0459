/**
 * Credentials as they are stored (one encrypted JSON text per connection) and as the public API shows them.
 * Dates are ISO 8601 UTC text. `raw` is the provider's whole token response.
 */
export type OAuth2Credentials = {
  type: "OAUTH2"
  access_token: string
  refresh_token?: string
  expires_at?: string
  raw: Record<string, unknown>
  config_override?: { client_id?: string; client_secret?: string }
}
export type OAuth2ClientCredentials = {
  type: "OAUTH2_CC"
  token: string
  client_id: string
  client_secret: string
  client_certificate?: string
  client_private_key?: string
  expires_at?: string
  raw: Record<string, unknown>
}
export type OAuth1Credentials = {
  type: "OAUTH1"
  oauth_token: string
  oauth_token_secret: string
  raw: Record<string, unknown>
}
export type ApiKeyCredentials = { type: "API_KEY"; apiKey: string }
export type BasicCredentials = { type: "BASIC"; username: string; password: string }
export type TbaCredentials = {
  type: "TBA"
  token_id: string
  token_secret: string
  config_override?: { client_id?: string; client_secret?: string }
}
/** A connection to an API that needs no credentials; the public API shows `{}`. */
export type NoCredentials = { type?: undefined }
/** Modes whose stored members come from the provider's entry (JWT, TWO_STEP, BILL, SIGNATURE, APP, …). */
export type OtherCredentials = {
  type: "APP" | "CUSTOM" | "JWT" | "BILL" | "TWO_STEP" | "SIGNATURE" | "AWS_SIGV4" | "INSTALL_PLUGIN"
  token?: string
  access_token?: string
  expires_at?: string
  [member: string]: unknown
}

export type Credentials =
  | OAuth2Credentials
  | OAuth2ClientCredentials
  | OAuth1Credentials
  | ApiKeyCredentials
  | BasicCredentials
  | TbaCredentials
  | NoCredentials
  | OtherCredentials
