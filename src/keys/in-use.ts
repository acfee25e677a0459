import { and, like, ne } from "drizzle-orm"
import { type App, inTransaction } from "../app/context.ts"
import { keyFaults, meta } from "./model.ts"

/** A row of `meta` for each key that may have sealed something; it is there before the key seals anything. */
const prefix = "key:"

/** The ids of the keys that sealed values may need. */
export async function listKeysInUse(app: App): Promise<string[]> {
  const rows = await app.db
    .select({ key: meta.key })
    .from(meta)
    .where(like(meta.key, `${prefix}%`))
  return rows.map(({ key }) => key.slice(prefix.length))
}

export async function noteKeyInUse(app: App, id: string): Promise<void> {
  await inTransaction(app, (ctx) =>
    ctx.db
      .insert(meta)
      .values({ key: `${prefix}${id}`, value: "" })
      .onConflictDoNothing(),
  )
}

/** Notes that no value needs any key but this one. */
export async function forgetOtherKeys(app: App, id: string): Promise<void> {
  const others = and(like(meta.key, `${prefix}%`), ne(meta.key, `${prefix}${id}`))
  await inTransaction(app, (ctx) => ctx.db.delete(meta).where(others))
}

/**
 * Refuses to work on data that needs a key which is not there: finding out later would look like data loss. Throws
 * `wrong_encryption_key` when none of the keys is known, else `retired_key_missing`.
 */
export async function checkKeys(app: App): Promise<void> {
  const { sealing, opening } = app.masterKey
  const needed = await listKeysInUse(app)
  const missing = needed.filter((id) => !opening.has(id))
  if (missing.length > 0) throw missing.length === needed.length ? wrongKey(app, missing) : missingRetired(app, missing)
  if (!needed.includes(sealing.id)) await noteKeyInUse(app, sealing.id)
}

const wrongKey = ({ config, masterKey }: App, ids: string[]) =>
  keyFaults.wrong_encryption_key({
    message: `The data in ${config.dataDir} was encrypted with another key (${ids.join(", ")}) than the one that is configured (${masterKey.sealing.id}).`,
    hint: "Set SLUICE_ENCRYPTION_KEY to the key that was used, or restore the key file sluice.key beside the data. To change the key, give the old one in SLUICE_ENCRYPTION_KEY_OLD until `sluice keys rotate` has ended.",
  })

const missingRetired = ({ config }: App, ids: string[]) =>
  keyFaults.retired_key_missing({
    message: `Values in ${config.dataDir} are still sealed with the retired key ${ids.join(", ")}, which is not there.`,
    hint: `Give it in SLUICE_ENCRYPTION_KEY_OLD, or restore its file sluice.key.${ids[0]}.old beside the data, until \`sluice keys rotate\` has ended.`,
  })
