import type { EnvironmentCtx } from "../app/context.ts"
import { applyPlan, exclusively } from "./deploy.ts"
import { listFunctions } from "./functions.ts"
import type { FunctionRow } from "./model.ts"
import { compareFunctions, finishPlan, type Plan } from "./plan.ts"
import { type ConfirmFlows, type DeployFlows, eventScriptsOf, scopeOf } from "./wire.ts"
import { learnHandlers, readFlows } from "./wire-compile.ts"

export type DeployedFunction = {
  name: string
  models: string[]
  version: string
  providerConfigKey: string
  type: FunctionRow["type"]
}

/**
 * Deploys what the official command line has compiled; one transaction for all of it. Without `reconcile` nothing is
 * removed and no connection gets a new sync. Throws `concurrent_deployment`, `unknown_provider_config` and what
 * `readFlows` throws; then nothing was stored.
 */
export function deployFlows(ctx: EnvironmentCtx, body: DeployFlows): Promise<DeployedFunction[]> {
  return exclusively(ctx, async () => {
    const plan = await planFlows(ctx, body)
    const warnings = await learnHandlers(ctx, plan.functions)
    const rows = await applyPlan(ctx, plan, { warnings, storeOnly: !body.reconcile })
    return plan.functions.map(({ compiled, integration }, index) => {
      const { name, type, version } = rows[index] as FunctionRow
      const models = compiled.definition.models ?? []
      return { name, models, version, providerConfigKey: integration.unique_key, type }
    })
  })
}

async function planFlows(ctx: EnvironmentCtx, body: DeployFlows): Promise<Plan> {
  const source = body.source ?? "repo"
  const deployed = await listFunctions(ctx)
  const functions = await compareFunctions(ctx, { compiled: readFlows(body), deployed, source })
  const scope = scopeOf(body)
  const candidates = body.reconcile ? replaceable(body, deployed) : []
  const only = typeof scope === "object" ? scope.integration : undefined
  return finishPlan(ctx, { functions, candidates, only, source })
}

/**
 * The deployed functions that such a deploy can end: not those of the catalogue, and event functions only when it says
 * which there are. Whose integration is another one is for the scope to tell.
 */
export function replaceable(body: ConfirmFlows, deployed: FunctionRow[]): FunctionRow[] {
  if (scopeOf(body) === "nothing") return []
  const withEvents = eventScriptsOf(body) !== undefined
  return deployed.filter(
    ({ type, source, definition }) =>
      source !== "catalog" && definition.style === undefined && (type !== "on-event" || withEvents),
  )
}
