import { z } from "zod"
import { inTransaction } from "../app/context.ts"
import { keyEndpoint, reply } from "../http/endpoint.ts"
import { UniqueKey } from "../kit/shapes.ts"
import { changeMetadata, findConnection } from "./connections.ts"
import { ConnectionParams } from "./model.ts"
import { importOldConnection, OldImport, oldFaults } from "./old-import.ts"

/** Routes that older clients and integrations of others still call. */
export const oldConnectionRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/connection",
    summary: "Imports a connection, in the flat form of before 2025",
    scope: "connections:create",
    body: OldImport,
    ignoreQuery: true,
    handle: async (ctx, { body }) => reply(201, { ...body, connection_id: await importOldConnection(ctx, body) }),
  }),
  ...(["POST", "PATCH"] as const).map((method) =>
    keyEndpoint({
      method,
      path: "/connection/:connectionId/metadata",
      summary: method === "POST" ? "Replaces metadata: the body is the metadata" : "Changes metadata at the top level",
      scope: "connections:update",
      params: ConnectionParams,
      ignoreQuery: true,
      query: z.looseObject({ provider_config_key: UniqueKey.optional() }),
      headers: z.object({ "provider-config-key": UniqueKey.optional() }),
      body: z.record(z.string(), z.unknown()),
      handle: async (ctx, { params, query, headers, body }) => {
        const providerConfigKey = query.provider_config_key ?? headers["provider-config-key"]
        if (providerConfigKey === undefined) throw oldFaults.missing_provider_config()
        await inTransaction(ctx, async (ctx) => {
          const found = await findConnection(ctx, { connectionId: params.connectionId, providerConfigKey })
          if (!found) throw oldFaults.unknown_connection()
          await changeMetadata(ctx, found.connection, { metadata: body, merge: method === "PATCH" })
        })
        return reply(method === "POST" ? 201 : 200, body)
      },
    }),
  ),
]
