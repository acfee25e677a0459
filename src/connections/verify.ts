import type { EnvironmentCtx } from "../app/context.ts"
import type { TestedCredentials } from "../app/moments.ts"
import { modes } from "../auth/modes.ts"

/**
 * Tries credentials at the provider before they are stored, where their mode and the provider's entry know how and the
 * operator has not switched it off. Throws `connection_test_failed`.
 */
export async function verifyCredentials(ctx: EnvironmentCtx, subject: TestedCredentials): Promise<void> {
  const provider = ctx.catalogue.find(subject.integration.provider)
  if (!ctx.config.verifyCredentials || !provider || !modes[provider.auth_mode].verified) return
  await ctx.moments.credentialsTesting(ctx, subject)
}
