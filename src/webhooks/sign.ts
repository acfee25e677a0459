import { createHash, createHmac } from "node:crypto"

/**
 * The headers that let a receiver check a webhook: both of Nango's (a digest of key and body; an HMAC) and the three of
 * Standard Webhooks (standardwebhooks.com; `standardSecret` is what their libraries take).
 */
export function signatureHeaders(input: {
  signingKey: string
  eventId: string
  at: Date
  body: string
}): Record<string, string> {
  const { signingKey, eventId, body } = input
  const timestamp = String(Math.floor(input.at.getTime() / 1000))
  const standard = createHmac("sha256", signingKey).update(`${eventId}.${timestamp}.${body}`).digest("base64")
  return {
    "x-nango-signature": createHash("sha256").update(signingKey).update(body).digest("hex"),
    "x-nango-hmac-sha256": createHmac("sha256", signingKey).update(body).digest("hex"),
    "webhook-id": eventId,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${standard}`,
  }
}

/** The signing key in the form that the libraries of Standard Webhooks take. */
export const standardSecret = (signingKey: string): string => `whsec_${Buffer.from(signingKey).toString("base64")}`
