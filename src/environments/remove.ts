import { eq } from "drizzle-orm"
import { type Ctx, inTransaction } from "../app/context.ts"
import { getEnvironmentById } from "./environments.ts"
import { apiKeys, environmentFaults, environments, environmentVariables } from "./model.ts"

/**
 * Deletes an environment with everything in it. Its keys go first, so that nothing can be added to it while the owner's
 * functions do their last work on its connections.
 */
export async function removeEnvironment(ctx: Ctx, id: number | string): Promise<void> {
  const environment = await getEnvironmentById(ctx, id)
  if (environment.name === "prod") throw environmentFaults.cannot_delete_prod_environment()
  await inTransaction(ctx, async (ctx) => {
    await ctx.db.delete(apiKeys).where(eq(apiKeys.environment_id, environment.id))
  })
  await ctx.moments.environmentDeleting({ ...ctx, environment })
  await inTransaction(ctx, async (ctx) => {
    await ctx.db.delete(environmentVariables).where(eq(environmentVariables.environment_id, environment.id))
    await ctx.db
      .update(environments)
      .set({
        deleted_at: ctx.now().getTime(),
        webhook_signing_key: null,
        hmac_key: null,
        otlp_headers: null,
        settings: {},
      })
      .where(eq(environments.id, environment.id))
  })
}
