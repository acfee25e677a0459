import { eq } from "drizzle-orm"
import { cryptoFaults, seal, unseal } from "../kit/crypto.ts"
import { table, text } from "../store/columns.ts"
import { AppError } from "../kit/errors.ts"
import { type App, inTransaction } from "./context.ts"

const meta = table("meta", { key: text("key").primaryKey(), value: text("value").notNull() })
const place = { table: "meta", column: "value", row: "key_check" }

/** Refuses to work on data that another key encrypted: finding out later would look like data loss. */
export async function checkMasterKey(app: App): Promise<void> {
  const [row] = await app.db.select().from(meta).where(eq(meta.key, "key_check"))
  if (!row) {
    const value = seal(app.masterKey, place, "sluice")
    await inTransaction(app, (ctx) => ctx.db.insert(meta).values({ key: "key_check", value }))
    return
  }
  try {
    unseal(app.masterKey, place, row.value)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw cryptoFaults.wrong_encryption_key({
      message: `The data in ${app.config.dataDir} was encrypted with another key than the one that is configured.`,
      hint: "Set SLUICE_ENCRYPTION_KEY to the key that was used, or restore the key file sluice.key beside the data.",
      cause: error,
    })
  }
}
