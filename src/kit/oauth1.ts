import { createHmac } from "node:crypto"
import { percentEncode, sortedPairs } from "./percent.ts"

export type SignatureMethod = "HMAC-SHA1" | "HMAC-SHA256" | "PLAINTEXT"

export type OAuth1Input = {
  method: string
  url: URL
  consumerKey: string
  consumerSecret: string
  token?: string
  tokenSecret?: string
  signatureMethod: SignatureMethod
  nonce: string
  /** Seconds since 1970. */
  timestamp: number
  /** First member of the header; not part of the signature. */
  realm?: string
  /** Parameters that are signed and sent in the header beside the standard ones (`oauth_callback`, `oauth_verifier`). */
  extra?: Record<string, string>
  /** Fields of a form body, which are signed but not sent in the header. */
  bodyParams?: readonly [string, string][]
}

/** The `Authorization` value of RFC 5849 (OAuth 1.0a), over method, URL and query. */
export function signOAuth1(input: OAuth1Input): string {
  const params: Record<string, string> = {
    oauth_consumer_key: input.consumerKey,
    oauth_nonce: input.nonce,
    oauth_signature_method: input.signatureMethod,
    oauth_timestamp: String(input.timestamp),
    ...(input.token === undefined ? {} : { oauth_token: input.token }),
    oauth_version: "1.0",
    ...input.extra,
  }
  params["oauth_signature"] = signatureOf(input, params)
  const members = Object.entries(params).map(([name, value]) => `${percentEncode(name)}="${percentEncode(value)}"`)
  if (input.realm !== undefined) members.unshift(`realm="${percentEncode(input.realm)}"`)
  return `OAuth ${members.join(", ")}`
}

/** The text that is signed: RFC 5849 §3.4.1. */
export function signatureBase(input: OAuth1Input, oauthParams: Record<string, string>): string {
  const normalized = sortedPairs([
    ...Object.entries(oauthParams),
    ...new URLSearchParams(input.url.search),
    ...(input.bodyParams ?? []),
  ])
  const target = `${input.url.protocol}//${input.url.host}${input.url.pathname}`
  return [input.method.toUpperCase(), percentEncode(target), percentEncode(normalized)].join("&")
}

function signatureOf(input: OAuth1Input, params: Record<string, string>): string {
  const key = `${percentEncode(input.consumerSecret)}&${percentEncode(input.tokenSecret ?? "")}`
  if (input.signatureMethod === "PLAINTEXT") return key
  const algorithm = input.signatureMethod === "HMAC-SHA256" ? "sha256" : "sha1"
  return createHmac(algorithm, key).update(signatureBase(input, params)).digest("base64")
}
