import type { Ctx } from "../app/context.ts"
import { keyEndpoint } from "../http/endpoint.ts"
import { acceptDeletes, pauseSyncs, startSyncs, triggerSyncs } from "./commands.ts"
import { updateFrequency } from "./frequency.ts"
import {
  base,
  OfConnection,
  StartSync,
  syncFaults,
  SyncName,
  SyncStatusQuery,
  SyncVariantParams,
  TriggerHeaders,
  TriggerSync,
  UpdateFrequency,
} from "./model.ts"
import { syncStatus } from "./status.ts"
import { createVariant, deleteVariant } from "./variants.ts"

const success = { success: true }

export const syncRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/sync/trigger",
    summary: "Runs syncs once, now",
    scope: "syncs:execute",
    body: TriggerSync,
    headers: TriggerHeaders,
    handle: async (ctx, { body, headers }) => {
      if (body.opts && (body.sync_mode !== undefined || body.full_resync !== undefined)) {
        throw syncFaults.invalid_body({ message: "Cannot use opts with deprecated sync_mode/full_resync parameters" })
      }
      const providerConfigKey = body.provider_config_key ?? headers["provider-config-key"]
      if (providerConfigKey === undefined) throw syncFaults.missing_provider_config_key()
      const reset = body.opts?.reset ?? (body.sync_mode ? body.sync_mode !== "incremental" : body.full_resync === true)
      const emptyCache = body.opts?.emptyCache ?? body.sync_mode === "full_refresh_and_clear_cache"
      await triggerSyncs(ctx, {
        providerConfigKey,
        connectionId: body.connection_id ?? headers["connection-id"],
        names: body.syncs,
        reset,
        emptyCache,
      })
      return success
    },
  }),
  ...(
    [
      ["/sync/start", "Starts schedules", "syncs:execute", startSyncs],
      ["/sync/pause", "Pauses schedules and what they run", "syncs:execute", pauseSyncs],
      ["/sluice/syncs/accept-deletes", "Lets the next run pass the delete brake", "syncs:update", acceptDeletes],
    ] as const
  ).map(([path, summary, scope, verb]) =>
    keyEndpoint({
      method: "POST",
      path,
      summary,
      scope,
      body: StartSync,
      handle: async (ctx: Ctx, { body }) => {
        await verb(ctx, {
          providerConfigKey: body.provider_config_key,
          connectionId: body.connection_id,
          names: body.syncs,
        })
        return success
      },
    }),
  ),
  keyEndpoint({
    method: "GET",
    path: "/sync/status",
    summary: "Where syncs stand",
    scope: "syncs:read",
    query: SyncStatusQuery,
    handle: async (ctx, { query }) => ({
      syncs: await syncStatus(ctx, {
        providerConfigKey: query.provider_config_key,
        connectionId: query.connection_id,
        names:
          query.syncs === "*"
            ? "*"
            : query.syncs
                .split(",")
                .map((name) => SyncName.safeParse(name.trim()))
                .flatMap((parsed) => (parsed.success ? [parsed.data] : [])),
      }),
    }),
  }),
  keyEndpoint({
    method: "PUT",
    path: "/sync/update-connection-frequency",
    summary: "Overrides the frequency of a sync on one connection",
    scope: "syncs:update",
    body: UpdateFrequency,
    handle: async (ctx, { body }) => ({
      frequency: await updateFrequency(ctx, {
        providerConfigKey: body.provider_config_key,
        connectionId: body.connection_id,
        name: body.sync_name,
        variant: body.sync_variant ?? base,
        frequency: body.frequency,
      }),
    }),
  }),
  keyEndpoint({
    method: "POST",
    path: "/sync/:name/variant/:variant",
    summary: "Makes a variant of a sync on a connection",
    scope: "syncs:variant:create",
    params: SyncVariantParams,
    body: OfConnection,
    handle: (ctx, { params, body }) =>
      createVariant(ctx, { ...params, providerConfigKey: body.provider_config_key, connectionId: body.connection_id }),
  }),
  keyEndpoint({
    method: "DELETE",
    path: "/sync/:name/variant/:variant",
    summary: "Ends a variant of a sync on a connection",
    scope: "syncs:variant:delete",
    params: SyncVariantParams,
    body: OfConnection,
    handle: async (ctx, { params, body }) => {
      const { provider_config_key: providerConfigKey, connection_id: connectionId } = body
      await deleteVariant(ctx, { ...params, providerConfigKey, connectionId })
      return success
    },
  }),
]
