import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { ConnectionId, ScriptName, UniqueKey } from "../kit/shapes.ts"
import { bool, int, json, table, text, time } from "../store/columns.ts"

/**
 * Sync: a sync function on one connection, with a variant (`base` by default): it has a status, a frequency and a
 * checkpoint. Run: one execution of it. Avoid: job.
 */
export const syncs = table("syncs", {
  id: text("id").primaryKey(),
  environment_id: int("environment_id").notNull(),
  connection_id: int("connection_id").notNull(),
  integration_id: int("integration_id").notNull(),
  name: text("name").notNull(),
  variant: text("variant").notNull(),
  /** The connection's own frequency; null follows the function's. */
  frequency: text("frequency"),
  /** Start of the last run that ended well. */
  last_sync_at: time("last_sync_at"),
  /** The operator accepts that the next run deletes nearly everything; see the setting `deleteBrake`. */
  accept_deletes: bool("accept_deletes").notNull(),
  created_at: time("created_at").notNull(),
  deleted_at: time("deleted_at"),
  /** The operation of the last run, when that failed. */
  failed_operation: text("failed_operation"),
})
export type SyncRow = typeof syncs.$inferSelect

export const syncRuns = table("sync_runs", {
  id: int("id").primaryKey({ autoIncrement: true }),
  sync_id: text("sync_id").notNull(),
  kind: text("kind").$type<"sync" | "webhook">().notNull(),
  type: text("type").$type<"INITIAL" | "INCREMENTAL" | "WEBHOOK">().notNull(),
  status: text("status").$type<"RUNNING" | "SUCCESS" | "STOPPED">().notNull(),
  task_id: text("task_id"),
  attempt: int("attempt").notNull(),
  operation_id: text("operation_id"),
  checkpoint_from: json<Checkpoint | null>("checkpoint_from"),
  checkpoint_to: json<Checkpoint | null>("checkpoint_to"),
  error: json<{ type: string; message: string }>("error"),
  started_at: time("started_at").notNull(),
  finished_at: time("finished_at"),
})
export type SyncRunRow = typeof syncRuns.$inferSelect

export const checkpoints = table("checkpoints", {
  id: int("id").primaryKey({ autoIncrement: true }),
  connection_id: int("connection_id").notNull(),
  key: text("key").notNull(),
  value: json<Checkpoint>("value").notNull(),
  version: int("version").notNull(),
  created_at: time("created_at").notNull(),
  updated_at: time("updated_at").notNull(),
  deleted_at: time("deleted_at"),
})
export type Checkpoint = Record<string, string | number | boolean>

/** What a task of kind `sync` or `webhook` carries; `input` is the JSON text of a webhook's payload. */
export type SyncTask = { syncId: string; emptyCache?: boolean; input?: string }

export const base = "base"
export const scheduleKey = (syncId: string): string => `sync:${syncId}`
/** Records of a variant live under their own model name. */
export const variantModel = (model: string, variant: string): string =>
  variant === base ? model : `${model}::${variant}`
export const checkpointKey = (kind: "sync" | "webhook", sync: Pick<SyncRow, "name" | "variant">): string =>
  `${kind}:${sync.name}:${sync.variant}`

const Names = z.string().min(1).max(511)
/** `name`, `name::variant` or `{name, variant}`. */
export const SyncName = z
  .union([Names, z.strictObject({ name: ScriptName, variant: ScriptName.optional() })])
  .transform((value, ctx) => {
    const [name = "", variant = base, ...rest] =
      typeof value === "string" ? value.split("::") : [value.name, value.variant]
    if (rest.length > 0 || !ScriptName.safeParse(name).success || !ScriptName.safeParse(variant).success) {
      ctx.addIssue({ code: "custom", message: "Invalid sync name" })
      return z.NEVER
    }
    return { name, variant }
  })
export type SyncName = z.output<typeof SyncName>

export const TriggerSync = z.strictObject({
  syncs: z.array(SyncName).max(256),
  provider_config_key: UniqueKey.optional(),
  connection_id: ConnectionId.optional(),
  opts: z.strictObject({ reset: z.boolean().optional(), emptyCache: z.boolean().optional() }).optional(),
  sync_mode: z.enum(["incremental", "full_refresh", "full_refresh_and_clear_cache"]).optional(),
  full_resync: z.boolean().optional(),
})
export const TriggerHeaders = z.object({
  "provider-config-key": UniqueKey.optional(),
  "connection-id": ConnectionId.optional(),
})

export const StartSync = z.strictObject({
  syncs: z.array(SyncName).max(256),
  provider_config_key: UniqueKey,
  connection_id: ConnectionId.optional(),
})

export const SyncStatusQuery = z.strictObject({
  syncs: z.string().min(1),
  provider_config_key: UniqueKey,
  connection_id: ConnectionId.optional(),
})

export const UpdateFrequency = z.strictObject({
  sync_name: ScriptName,
  sync_variant: ScriptName.optional(),
  provider_config_key: UniqueKey,
  connection_id: ConnectionId,
  frequency: z.string().min(1).max(255).nullable(),
})

/** One code, two statuses: the frequency route answers 400 where commands answer 404. */
export const frequencyFaults = defineFaults({
  unknown_connection: [400, "There is no connection with this id for this integration."],
})

export const variantFaults = defineFaults({
  invalid_variant: [400, "The variant name is reserved."],
  unknown_connection: [400, "There is no connection with this id for this integration."],
  unknown_sync: [400, "There is no sync of that name."],
  resource_capped: [400, "A sync can have at most 100 variants on a connection."],
  sync_variant_already_exists: [400, "The sync has a variant of that name."],
  not_found: [404, "The sync has no variant of that name."],
})

export const SyncVariantParams = z.object({ name: ScriptName, variant: ScriptName })
export const OfConnection = z.strictObject({ provider_config_key: UniqueKey, connection_id: ConnectionId })

export const syncFaults = defineFaults({
  missing_provider_config_key: [400, "Missing sync provider_config_key."],
  unknown_provider_config: [400, "There is no integration with this id in this environment.", "legacy"],
  unknown_connection: [404, "There is no connection with this id for this integration.", "legacy"],
  no_syncs_found: [400, "There are no syncs of that name.", "legacy"],
  invalid_body: [400, ""],
  unknown_sync: [400, ""],
  delete_brake: [409, "The run would delete nearly all records of a model."],
  checkpoint_conflict: [409, "The checkpoint was changed by another run."],
  invalid_checkpoint: [400, "The checkpoint is not a flat object of texts, numbers and booleans."],
})
