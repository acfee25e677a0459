import { z } from "zod"
import { DeployProject } from "../functions/model.ts"
import { defineFaults, type FaultDetails } from "../kit/errors.ts"
import { BooleanText, ConnectionId, ScriptName, UniqueKey } from "../kit/shapes.ts"
import { int, json, table, text, time } from "../store/columns.ts"

export const TriggerAction = z.object({ action_name: ScriptName, input: z.unknown().optional() })
export const ActionHeaders = z.object({
  "connection-id": ConnectionId,
  "provider-config-key": UniqueKey,
  "x-async": BooleanText.optional(),
  "x-max-retries": z.coerce.number().int().min(0).max(5).optional(),
})

/**
 * Asynchronous action: an action that nobody waits for. Those of an environment run one at a time, in the order in which
 * they came (`seq`). What it gave is kept for a while under its id.
 */
export const asyncActions = table("async_actions", {
  seq: int("seq").primaryKey({ autoIncrement: true }),
  id: text("id").notNull(),
  environment_id: int("environment_id").notNull(),
  connection_row: int("connection_row").notNull(),
  connection: text("connection").notNull(),
  integration: text("integration").notNull(),
  action: text("action").notNull(),
  /** JSON text, as the function gets it. */
  input: text("input").notNull(),
  state: text("state").$type<"waiting" | "running" | "succeeded" | "failed">().notNull(),
  attempts: int("attempts").notNull(),
  max_retries: int("max_retries").notNull(),
  /** JSON text. */
  output: text("output"),
  error: json<StoredError>("error"),
  created_at: time("created_at").notNull(),
  next_at: time("next_at").notNull(),
  finished_at: time("finished_at"),
})
export type AsyncActionRow = typeof asyncActions.$inferSelect
export type StoredError = { code: string; status: number; message: string; details: FaultDetails }

/** What the task of an environment's asynchronous actions carries. */
export type AsyncTask = { environmentId: number }

export const AsyncParams = z.object({ id: z.uuid() })

/** A dry run: a function of a project, run against a connection without storing anything. */
export const DryRun = z.strictObject({
  files: DeployProject.shape.files,
  name: ScriptName,
  /** Needed only where several integrations of the project have a function of this name and such a connection. */
  integration: UniqueKey.optional(),
  connection_id: ConnectionId,
  /** Input of an action. */
  input: z.unknown().optional(),
  /** Payload for the webhook side of a sync; when it is there, that side is run. */
  webhook: z.unknown().optional(),
  /** Stands in for the connection's metadata. */
  metadata: z.record(z.string(), z.unknown()).optional(),
  /** What the run finds as its checkpoint; without it, none. */
  checkpoint: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  variant: ScriptName.optional(),
  last_sync_date: z.iso.datetime({ offset: true }).optional(),
  /** What does not match a schema ends the run, instead of being only told. */
  validate: z.boolean().default(false),
  /** Tells whole exchanges, with every secret replaced, so that they can be saved as a fixture. */
  record: z.boolean().default(false),
})
export type DryRun = z.output<typeof DryRun>

export const actionFaults = defineFaults({
  unknown_connection: [400, "Failed to find connection"],
  not_found: [404, "Action not found"],
  disabled_resource: [404, "The action is disabled"],
  action_failure: [400, "The action was not started in time.", "legacy"],
  script_aborted: [410, "The daemon stopped while the action ran.", "legacy"],
  nesting_too_deep: [400, "Actions trigger each other more than five levels deep."],
})
