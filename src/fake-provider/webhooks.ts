import { createHash, createHmac } from "node:crypto"
import { z } from "zod"
import { messageOf } from "../kit/errors.ts"
import type { Answer, Call } from "./answers.ts"
import { jsonAnswer, readJson } from "./answers.ts"
import type { SendWebhook } from "./model.ts"
import { fakeErrors, parseOr } from "./model.ts"

export const WebhookScheme = z.enum([
  "github-sha256",
  "slack-v0",
  "stripe",
  "hubspot-v1",
  "shopify-hmac-base64",
  "linear",
  "standard-webhooks",
])
export type WebhookScheme = z.infer<typeof WebhookScheme>

export const WebhookOrder = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** Text is sent as it is, anything else as JSON. */
  body: z.unknown(),
  headers: z.record(z.string(), z.string()).default({}),
  sign: z
    .strictObject({
      scheme: WebhookScheme,
      secret: z.string(),
      /** Seconds since the epoch, for schemes that sign one; now when left out. */
      timestamp: z.int().min(0).optional(),
      /** Message id of `standard-webhooks`. */
      id: z.string().default("msg_1"),
    })
    .optional(),
})
export type WebhookOrder = z.input<typeof WebhookOrder>
type Sign = NonNullable<z.output<typeof WebhookOrder>["sign"]>

type Signer = (input: { secret: string; body: string; at: number; id: string }) => Record<string, string>

/**
 * Each as its provider documents it: docs.github.com (validating webhook deliveries), docs.slack.dev (verifying
 * requests), docs.stripe.com (webhook signatures), developers.hubspot.com (v1 signature), shopify.dev (HTTPS
 * webhooks), linear.app/developers (webhooks), standardwebhooks.com.
 */
const SIGNERS: Record<WebhookScheme, Signer> = {
  "github-sha256": ({ secret, body }) => ({
    "x-hub-signature-256": `sha256=${hmac(secret, body, "hex")}`,
  }),
  "slack-v0": ({ secret, body, at }) => ({
    "x-slack-request-timestamp": String(at),
    "x-slack-signature": `v0=${hmac(secret, `v0:${at}:${body}`, "hex")}`,
  }),
  stripe: ({ secret, body, at }) => ({
    "stripe-signature": `t=${at},v1=${hmac(secret, `${at}.${body}`, "hex")}`,
  }),
  "hubspot-v1": ({ secret, body }) => ({
    "x-hubspot-signature-version": "v1",
    "x-hubspot-signature": createHash("sha256")
      .update(secret + body)
      .digest("hex"),
  }),
  "shopify-hmac-base64": ({ secret, body }) => ({
    "x-shopify-hmac-sha256": hmac(secret, body, "base64"),
  }),
  linear: ({ secret, body }) => ({
    "linear-signature": hmac(secret, body, "hex"),
  }),
  "standard-webhooks": ({ secret, body, at, id }) => ({
    "webhook-id": id,
    "webhook-timestamp": String(at),
    "webhook-signature": `v1,${hmac(standardKey(secret), `${id}.${at}.${body}`, "base64")}`,
  }),
}

function hmac(key: string | Uint8Array, text: string, encoding: "hex" | "base64"): string {
  return createHmac("sha256", key).update(text).digest(encoding)
}

function standardKey(secret: string): string | Uint8Array {
  return secret.startsWith("whsec_") ? Buffer.from(secret.slice("whsec_".length), "base64") : secret
}

/** The headers that a provider of this scheme would put on a webhook with this body. */
export function signWebhook(body: string, sign: Sign): Record<string, string> {
  const at = sign.timestamp ?? Math.floor(Date.now() / 1000)
  return SIGNERS[sign.scheme]({ secret: sign.secret, body, at, id: sign.id })
}

/** Answers `POST /__webhook`: sends one signed webhook and tells the status it got and the headers it carried. */
export async function answerWebhookOrder(call: Call, send: SendWebhook | undefined): Promise<Answer> {
  const order = parseOr(WebhookOrder, readJson(call), "invalid_control")
  if (!send) throw fakeErrors.no_sender()
  const body = typeof order.body === "string" ? order.body : JSON.stringify(order.body ?? null)
  const signature = order.sign ? signWebhook(body, order.sign) : {}
  const headers = {
    "content-type": "application/json",
    ...lowerCase(order.headers),
    ...signature,
  }
  try {
    const { status } = await send(order.url, { method: "POST", headers, body })
    return jsonAnswer(200, { status, headers })
  } catch (cause) {
    throw fakeErrors.webhook_failed({ message: messageOf(cause), cause })
  }
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
