import { z } from "zod"
import { keyEndpoint, reply } from "../http/endpoint.ts"
import { findIntegration } from "../integrations/integrations.ts"
import { BooleanText, UniqueKey } from "../kit/shapes.ts"
import { findConnection, listConnections, patchConnection, removeConnection, saveMetadata } from "./connections.ts"
import { readConnectionConfig, readCredentials } from "./credentials.ts"
import { importConnection } from "./import.ts"
import {
  connectionFaults,
  ConnectionMetadata,
  ConnectionParams,
  ImportConnection,
  ListConnections,
  PatchConnection,
  toFull,
  toListItem,
} from "./model.ts"
import { withErrors, withSyncErrors } from "./problems.ts"
import { showConnection } from "./show.ts"
import { toEndUser } from "./tags.ts"
import { checkWebhookUrl } from "./webhook-url.ts"

const OfIntegration = z.strictObject({ provider_config_key: UniqueKey })
const ShowQuery = OfIntegration.extend({
  refresh_token: BooleanText.default(false),
  force_refresh: BooleanText.default(false),
  refresh_github_app_jwt_token: BooleanText.default(false),
})

/** The singular paths are what clients before 2025 call. */
export const connectionRoutes = ["/connections", "/connection"].flatMap((base) => [
  keyEndpoint({
    method: "GET",
    path: base,
    summary: "Connections, newest first, without credentials",
    scope: ["connections:list", "connections:list_credentials"],
    query: ListConnections,
    handle: async (ctx, { query }) => {
      const found = await listConnections(ctx, query)
      const rows = await withSyncErrors(
        ctx,
        found.map(({ connection }) => connection),
      )
      const shown = found.map(({ connection, integration }, index) =>
        toListItem(rows[index] ?? connection, { uniqueKey: integration.unique_key, provider: integration.provider }),
      )
      return { connections: shown }
    },
  }),
  keyEndpoint({
    method: "GET",
    path: `${base}/:connectionId`,
    summary: "One connection with its credentials",
    scope: ["connections:read", "connections:read_credentials"],
    params: ConnectionParams,
    query: ShowQuery,
    handle: (ctx, { params, query }) =>
      showConnection(
        ctx,
        { connectionId: params.connectionId, providerConfigKey: query.provider_config_key },
        {
          refreshToken: query.refresh_token,
          forceRefresh: query.force_refresh,
          refreshGithubAppJwtToken: query.refresh_github_app_jwt_token,
        },
      ),
  }),
  keyEndpoint({
    method: "PATCH",
    path: `${base}/:connectionId`,
    summary: "Changes the end user, the tags or the webhook address of a connection",
    scope: "connections:update",
    params: ConnectionParams,
    query: OfIntegration,
    body: PatchConnection,
    handle: async (ctx, { params, query, body }) => {
      checkWebhookUrl(ctx, body.webhook_url_override)
      if (!(await findIntegration(ctx, query.provider_config_key))) throw connectionFaults.unknown_provider_config()
      const found = await findConnection(ctx, {
        connectionId: params.connectionId,
        providerConfigKey: query.provider_config_key,
      })
      if (!found) throw connectionFaults.not_found()
      await patchConnection(ctx, found.connection, {
        endUser: body.end_user ? toEndUser(body.end_user) : undefined,
        tags: body.tags,
        webhookUrlOverride: body.webhook_url_override,
      })
      return { success: true }
    },
  }),
  keyEndpoint({
    method: "DELETE",
    path: `${base}/:connectionId`,
    summary: "Deletes a connection with its syncs and records",
    scope: "connections:delete",
    params: ConnectionParams,
    query: OfIntegration,
    handle: async (ctx, { params, query }) => {
      const found = await findConnection(ctx, {
        connectionId: params.connectionId,
        providerConfigKey: query.provider_config_key,
      })
      if (!found) return reply(400, { error: { code: "unknown_connection" } })
      await removeConnection(ctx, found)
      return { success: true }
    },
  }),
  ...(["POST", "PATCH"] as const).map((method) =>
    keyEndpoint({
      method,
      path: `${base}/metadata`,
      summary: method === "POST" ? "Replaces metadata" : "Changes metadata at the top level",
      scope: "connections:update",
      body: ConnectionMetadata,
      handle: async (ctx, { body }) => {
        const connectionIds = Array.isArray(body.connection_id) ? body.connection_id : [body.connection_id]
        const { provider_config_key: providerConfigKey, metadata } = body
        await saveMetadata(ctx, { connectionIds, providerConfigKey, metadata, merge: method === "PATCH" })
        return reply(method === "POST" ? 201 : 200, body)
      },
    }),
  ),
])

export const importRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/connections",
    summary: "Imports a connection with credentials that were obtained elsewhere",
    scope: "connections:create",
    body: ImportConnection,
    handle: async (ctx, { body }) => {
      const { connection, integration } = await importConnection(ctx, body)
      const secrets = {
        credentials: readCredentials(ctx, connection),
        connectionConfig: readConnectionConfig(ctx, connection),
      }
      const names = { uniqueKey: integration.unique_key, provider: integration.provider }
      return reply(201, toFull(await withErrors(ctx, connection), names, secrets, "z"))
    },
  }),
]
