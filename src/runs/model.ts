import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { BooleanText, ConnectionId, ScriptName, UniqueKey } from "../kit/shapes.ts"

export const TriggerAction = z.object({ action_name: ScriptName, input: z.unknown().optional() })
export const ActionHeaders = z.object({
  "connection-id": ConnectionId,
  "provider-config-key": UniqueKey,
  "x-async": BooleanText.optional(),
  "x-max-retries": z.coerce.number().int().min(0).max(5).optional(),
})

export const actionFaults = defineFaults({
  unknown_connection: [400, "Failed to find connection"],
  not_found: [404, "Action not found"],
  disabled_resource: [404, "The action is disabled"],
  nesting_too_deep: [400, "Actions trigger each other more than five levels deep."],
})
