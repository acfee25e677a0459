import { z } from "zod"
import { DeployProject } from "../functions/model.ts"
import { defineFaults } from "../kit/errors.ts"
import { BooleanText, ConnectionId, ScriptName, UniqueKey } from "../kit/shapes.ts"

export const TriggerAction = z.object({ action_name: ScriptName, input: z.unknown().optional() })
export const ActionHeaders = z.object({
  "connection-id": ConnectionId,
  "provider-config-key": UniqueKey,
  "x-async": BooleanText.optional(),
  "x-max-retries": z.coerce.number().int().min(0).max(5).optional(),
})

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
  nesting_too_deep: [400, "Actions trigger each other more than five levels deep."],
})
