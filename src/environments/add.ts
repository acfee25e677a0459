import { eq } from "drizzle-orm"
import { type Ctx, inTransaction } from "../app/context.ts"
import { seal } from "../kit/crypto.ts"
import { createEnvironment, listEnvironments } from "./environments.ts"
import { requireScope } from "./keys.ts"
import { type Environment, environmentFaults, environments, type NewEnvironment } from "./model.ts"

const production = "prod"

/**
 * Makes an environment. One for production needs a scope of its own. It has no key yet: a key is shown once, when it is
 * made, so one that came with the environment would be known to nobody.
 */
export async function addEnvironment(ctx: Ctx, input: NewEnvironment): Promise<Environment> {
  const { name, is_production, hmac_key, otlp_headers, ...settings } = input
  if (name === production && is_production === false) throw environmentFaults.invalid_is_prod_flag()
  const isProduction = is_production ?? name === production
  if (isProduction) requireScope(ctx.caller, "account:environments:set_production")
  return inTransaction(ctx, async (ctx) => {
    if ((await listEnvironments(ctx)).some((other) => other.name === name))
      throw environmentFaults.conflict({ message: `There is an environment "${name}" already.` })
    const row = await createEnvironment(ctx, { name, isProduction })
    const sealed = (column: string, text: string) =>
      seal(ctx.masterKey, { table: "environments", column, row: row.id }, text)
    const set = {
      settings,
      hmac_key: hmac_key ? sealed("hmac_key", hmac_key) : null,
      otlp_headers: otlp_headers ? sealed("otlp_headers", JSON.stringify(otlp_headers)) : null,
    }
    await ctx.db.update(environments).set(set).where(eq(environments.id, row.id))
    return { ...row, ...set }
  })
}
