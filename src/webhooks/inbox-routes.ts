import { z } from "zod"
import type { App } from "../app/context.ts"
import { keyEndpoint, openEndpoint, reply } from "../http/endpoint.ts"
import { messageOf } from "../kit/errors.ts"
import { rateHeaders } from "../kit/limiter.ts"
import { isSecretName, mask } from "../kit/redact.ts"
import { UniqueKey } from "../kit/shapes.ts"
import { isoTime } from "../kit/times.ts"
import { findAddressee, listInbox, openInbox, receiveWebhook, replayWebhook } from "./inbox.ts"
import type { Incoming } from "./incoming.ts"
import type { InboxRow } from "./model.ts"
import { sentenceOf, type Taken } from "./receive.ts"

const Address = z.object({ environmentUuid: z.uuid(), integration: UniqueKey })
const List = z.strictObject({
  state: z.enum(["matched", "unmatched", "refused", "failed"]).optional(),
  integration: z.string().max(255).optional(),
  before: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})
const OneReceived = z.object({ id: z.uuid() })

/** No provider sends more in one webhook (25 MB is the most that is known). */
const largest = 26_214_400

export const inboxRoutes = [
  openEndpoint({
    method: "POST",
    path: "/webhook/:environmentUuid/:integration",
    summary: "Takes in a webhook of a provider",
    params: Address,
    ignoreQuery: true,
    rawBody: (app) => Math.min(largest, app.config.bodyLimitBytes),
    handle: (app, { params, request, bytes }) => answerWebhook(app, params, request, bytes),
  }),
  keyEndpoint({
    method: "GET",
    path: "/sluice/webhooks/inbox",
    summary: "Webhooks that providers have sent, newest first",
    scope: "webhooks:read",
    query: List,
    handle: async (ctx, { query }) => {
      const rows = await listInbox(ctx, query)
      return { data: rows.map(showRow), next: rows.length === query.limit ? (rows.at(-1)?.id ?? null) : null }
    },
  }),
  keyEndpoint({
    method: "GET",
    path: "/sluice/webhooks/inbox/:id",
    summary: "One webhook as its provider sent it",
    scope: "webhooks:read",
    params: OneReceived,
    handle: async (ctx, { params }) => {
      const { row, incoming } = await openInbox(ctx, params.id)
      return {
        data: {
          ...showRow(row),
          query: masked(incoming.query),
          headers: masked(incoming.headers),
          ...showBody(row.body),
        },
      }
    },
  }),
  keyEndpoint({
    method: "POST",
    path: "/sluice/webhooks/inbox/:id/replay",
    summary: "Takes in a received webhook once more",
    scope: "webhooks:update",
    params: OneReceived,
    handle: async (ctx, { params }) => ({ data: showRow(await replayWebhook(ctx, params.id)) }),
  }),
]

type To = z.output<typeof Address>

async function answerWebhook(app: App, to: To, request: Request, bytes: Uint8Array) {
  const { ctx, integration, recipe } = await findAddressee(app, to)
  if (!recipe) return reply(204)
  const allowance = await app.ingress.take(`${ctx.environment.id}:${integration.id}`, 1)
  const headers = allowance ? rateHeaders(allowance) : {}
  if (allowance?.exceeded) {
    app.log.warn({ integration: integration.unique_key }, "an integration gets more webhooks than its limit")
    const retry = { ...headers, "retry-after": String(allowance.retryAfterSeconds) }
    if (app.config.webhookIngressEnforce) return reply(429, { error: { code: "too_many_request" } }, retry)
  }
  const incoming: Incoming = {
    headers: Object.fromEntries(request.headers),
    query: Object.fromEntries(new URL(request.url).searchParams),
    bytes,
    receivedAt: app.now(),
  }
  try {
    return toReply(await receiveWebhook(ctx, { integration, recipe, incoming }), headers)
  } catch (error) {
    // The provider learns nothing of what went wrong here, but will send it again.
    app.log.error(
      { err: error, integration: integration.unique_key },
      `a webhook could not be taken in: ${messageOf(error)}`,
    )
    return reply(500, { error: "internal_error" }, headers)
  }
}

function toReply(taken: Taken, headers: Record<string, string>) {
  if (taken.status !== 200) return reply(taken.status, { error: sentenceOf(taken) }, headers)
  if (taken.text === undefined) return reply(200, { status: "success" }, headers)
  return new Response(taken.text, { headers: { ...headers, "content-type": "text/plain; charset=utf-8" } })
}

function showRow(row: Omit<InboxRow, "body" | "envelope">) {
  const { id, integration, state, types, connections, error, replays, received_at } = row
  return { id, integration, state, types, connections, error, replays, received_at: isoTime(received_at) }
}

/** As text where it is text. */
function showBody(body: Uint8Array) {
  const text = Buffer.from(body).toString()
  return Buffer.from(text).equals(Buffer.from(body))
    ? { body: text }
    : { body_base64: Buffer.from(body).toString("base64") }
}

const masked = (members: Record<string, string>) =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [name, isSecretName(name) ? mask : value]))
