/**
 * A proxy call is one logical request of a function or of `/proxy/*` to a provider. It becomes one built request per
 * attempt, because credentials are read again before each of them.
 */
import type { Credentials } from "../auth/credentials.ts"
import { defineFaults } from "../kit/errors.ts"
import type { Provider } from "../providers/model.ts"

export type MultipartPart =
  | { name: string; value: string }
  | {
      name: string
      bytes: Uint8Array
      filename?: string
      contentType?: string
    }

/**
 * What the caller wants to send. `json` carries JSON text that goes out as it came, unless the provider's entry has a
 * `proxy.body` to merge or the caller's content type asks for a form. Bytes that are `asIs` get no content type of ours.
 * A `stream` can be sent once, so it is not retried; `sizeBytes` is its length where that is known.
 */
export type ProxyBody =
  | { kind: "none" }
  | { kind: "json"; text: string }
  | { kind: "text"; text: string }
  | { kind: "form"; entries: [string, string][] }
  | { kind: "multipart"; parts: MultipartPart[] }
  | { kind: "bytes"; bytes: Uint8Array; asIs?: boolean }
  | { kind: "stream"; stream: ReadableStream<Uint8Array>; sizeBytes?: number }

export type RetryHeader = { at?: string | string[]; after?: string | string[] }

export type ProxyCall = {
  /** A path, with or without leading slashes and query, or a full URL that starts with the base URL. */
  endpoint: string
  method: string
  /** Any case. A value of `""` removes the header that would have been injected. */
  headers: Record<string, string>
  /** An object replaces query keys of the same name; text is appended as it is. */
  params?: string | Record<string, unknown>
  /** Raw query of a gateway request, without `?`. */
  query?: string
  body: ProxyBody
  baseUrlOverride?: string
  decompress?: boolean
  /** Default: the provider's `proxy.forward_headers_on_redirect`, else false. */
  forwardHeadersOnRedirect?: boolean
  responseType?: string
  /** How often a failed attempt is repeated; 0 sends once. */
  retries: number
  /** Statuses to retry beside the provider's. */
  retryOn: number[]
  retryHeader?: RetryHeader
}

export type ProxyIntegration = {
  uniqueKey: string
  clientId?: string
  clientSecret?: string
  /** Values of the provider's `integration_config`. */
  custom: Record<string, string>
}

export type ProxyConnection = {
  connectionId: string
  connectionConfig: Record<string, unknown>
  metadata: Record<string, unknown>
}

export type ProxyTarget = {
  provider: Provider
  providerName: string
  integration: ProxyIntegration
  connection: ProxyConnection
}

export type BuildInput = ProxyTarget & {
  credentials: Credentials
  call: ProxyCall
  /** Time of signatures and of `${now}`; default: the current time. */
  now?: Date
  /** Nonce of signatures, `${random}` and multipart boundary; default: a fresh UUID. */
  random?: string
}

export type RequestBody = string | Uint8Array | ReadableStream<Uint8Array> | null

export type BuiltRequest = {
  method: string
  url: string
  /** Lower-case names. */
  headers: Record<string, string>
  body: RequestBody
  decompress: boolean
  forwardHeadersOnRedirect: boolean
  /** Client certificate and key (PEM) of a provider that wants mutual TLS. */
  tls?: { cert: string; key: string }
  /** Texts that must not be seen in logs, longest first. */
  redactions: string[]
}

/** One attempt as it goes to the log; every text in it is redacted. */
export type HttpAttempt = {
  level: "info" | "error"
  /** `METHOD url` */
  message: string
  request: { method: string; url: string; headers: Record<string, string> }
  response?: { code: number; headers: Record<string, string> }
  error?: { code: string; message: string }
  retry: { attempt: number; max: number }
  startedAt: Date
  durationMs: number
}

/** What happens after a failed attempt that could have been repeated: a wait, or none and why. */
export type RetryNotice = {
  level: "warn"
  message: string
  retry: boolean
  reason: string
  waitMs: number
  /** 1 for the first repetition. */
  attempt: number
  max: number
}

export const faults = defineFaults({
  missing_api_url: [400, "The request needs an endpoint or a base URL override"],
  missing_provider: [400, "The request needs an integration"],
  unknown_provider_config: [404, "There is no integration with this provider config key."],
  /** The public code of a connection that cannot be had. */
  server_error: [400, "Failed to get connection"],
  unknown_provider: [400, "The integration's provider is not in the catalogue"],
  unsupported_provider: [400, "The provider has no base URL; give a base URL override"],
  unsupported_auth: [400, "The credentials of the connection are of a kind that requests cannot be signed with"],
  invalid_query_params: [400, "Query parameters given as text cannot be combined with an endpoint that has a query"],
  invalid_endpoint: [400, "The endpoint must be a path or a URL that starts with the provider's base URL"],
  invalid_base_url: [400, "The base URL of the request is not a complete http(s) URL"],
  invalid_headers: [400, "A request header is not valid"],
  invalid_certificate_or_key_format: [400, "The client certificate or its key is not valid PEM"],
  base_url_override_disabled: [400, "Base URL overrides are switched off"],
  base_url_override_not_allowed: [400, "The base URL override is not allowed"],
  url_not_allowed: [400, "The target of the request is not allowed"],
  invalid_request: [400, "The request cannot be sent"],
  body_too_large: [413, "The body is too large to be changed or signed on its way"],
  proxy_redirect_to_denied_host: [400, "The provider redirected to a host that is not allowed"],
  failed_to_get_connection: [400, "Failed to get connection"],
})
