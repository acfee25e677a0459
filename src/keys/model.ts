import { z } from "zod"
import { authorizations, connectSessions } from "../connect/model.ts"
import { connections } from "../connections/model.ts"
import { environments, environmentVariables } from "../environments/model.ts"
import { integrations } from "../integrations/model.ts"
import { defineFaults } from "../kit/errors.ts"
import { type SealedColumn, sealedColumnsOf, table, text } from "../store/columns.ts"
import { webhookDeliveries, webhookInbox } from "../webhooks/model.ts"

/**
 * Encryption key: 32 bytes that seal what is secret in the database. One key seals; a retired key only opens what it has
 * sealed before. Rotation: sealing everything again with the key that seals, so that nothing needs the retired ones.
 * Avoid: master key (outside `kit/crypto.ts`), data key.
 */
export const meta = table("meta", { key: text("key").primaryKey(), value: text("value").notNull() })

/** Every column that a key has sealed. A test compares it with the tables of all rooms. */
export const sealedColumns: SealedColumn[] = [
  environments,
  environmentVariables,
  integrations,
  connections,
  webhookInbox,
  webhookDeliveries,
  connectSessions,
  authorizations,
].flatMap(sealedColumnsOf)

export const RotateKeys = z.strictObject({ new_key: z.string().max(100).optional() })

/** How far a rotation is. `done` of `total` rows were looked at, and `changed` values were sealed again. */
export type RotationProgress = {
  state: "running" | "done" | "stopped" | "failed"
  key: string
  done: number
  total: number
  changed: number
  error: string | null
}
/** The rotation of this daemon; there is at most one that runs. */
export type Rotation = { progress?: RotationProgress; work: Promise<void> }

export const keyFaults = defineFaults({
  encryption_key_missing: [409, "The key that encrypted the data is missing."],
  wrong_encryption_key: [409, "The data was encrypted with another key."],
  retired_key_missing: [409, "A retired key is missing that sealed values still need."],
  invalid_encryption_key: [400, "The encryption key must be 32 bytes in base64."],
  encryption_key_configured: [409, "The encryption key comes from the configuration, which only its owner can change."],
  rotation_unfinished: [409, "An earlier rotation has not ended."],
})
