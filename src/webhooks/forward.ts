import type { EnvironmentCtx } from "../app/context.ts"
import type { ConnectionRow } from "../connections/model.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import type { Parsed } from "./incoming.ts"
import { queueWebhook } from "./outbox.ts"

/** What belongs to the way from the provider to us, or could be taken for ours. */
const dropped = [
  ...[
    "host",
    "authorization",
    "connection",
    "keep-alive",
    "content-length",
    "content-type",
    "content-encoding",
    "cookie",
  ],
  ...[
    "set-cookie",
    "referer",
    "user-agent",
    "sec-",
    "proxy-",
    "www-authenticate",
    "server",
    "transfer-encoding",
    "te",
    "trailer",
  ],
  ...["upgrade", "expect", "x-forwarded-", "forwarded"],
]

/** Passes a provider's webhook on to the owner: once for each connection that it is about, bare when it is about none. */
export async function forward(
  ctx: EnvironmentCtx,
  input: { integration: IntegrationRow; parsed: Parsed; connections: ConnectionRow[] },
): Promise<void> {
  const { integration, parsed, connections } = input
  const headers = Object.fromEntries(
    Object.entries(parsed.headers).filter(([name]) => !dropped.some((start) => name.startsWith(start))),
  )
  if (connections.length === 0) {
    const body = parsed.body as Record<string, unknown>
    return queueWebhook(ctx, { type: "forward", body, headers, integration: integration.unique_key })
  }
  for (const connection of connections) {
    const body = {
      from: integration.provider,
      type: "forward",
      connectionId: connection.connection_id,
      providerConfigKey: integration.unique_key,
      payload: parsed.body,
    }
    await queueWebhook(ctx, { type: "forward", found: { connection, integration }, body, headers })
  }
}
