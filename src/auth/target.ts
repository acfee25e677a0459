import type { EnvironmentCtx } from "../app/context.ts"
import { readCredentials, readCustom } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { defineFaults } from "../kit/errors.ts"
import type { AuthTarget } from "./mode.ts"

const faults = defineFaults({
  unknown_provider_template: [404, "There is no provider with this name in the catalogue"],
})

/** Whom credentials are for. Throws `unknown_provider_template`. */
export function targetOf(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  connectionConfig: Record<string, unknown>,
): AuthTarget {
  const provider = ctx.catalogue.find(integration.provider)
  if (!provider) throw faults.unknown_provider_template({ message: `Unknown provider ${integration.provider}` })
  return {
    provider,
    providerName: integration.provider,
    uniqueKey: integration.unique_key,
    app: readCredentials(ctx, integration),
    custom: readCustom(ctx, integration),
    connectionConfig,
  }
}
