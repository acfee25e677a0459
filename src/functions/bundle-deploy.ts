import type { EnvironmentCtx } from "../app/context.ts"
import { listIntegrations } from "../integrations/integrations.ts"
import { AppError } from "../kit/errors.ts"
import type { CompiledFunction } from "./compile.ts"
import type { FunctionDefinition } from "./definition.ts"
import { applyPlan, exclusively } from "./deploy.ts"
import { listFunctions } from "./functions.ts"
import { bundleFaults } from "./model.ts"
import { compareFunctions, finishPlan, type Plan } from "./plan.ts"
import { type BundledFunction, type DeployBundle, modelOf } from "./wire-bundle.ts"
import { withCode } from "./wire-compile.ts"

type Named = { integrationId: string; name: string }
export type BundleChanges = { created: Named[]; updated: Named[]; unchanged: Named[]; deleted: Named[] }

/** What a deploy of the bundle would change. Throws `integration_not_found` and `function_exists`. */
export async function previewBundle(ctx: EnvironmentCtx, body: DeployBundle): Promise<BundleChanges> {
  return changesOf(await planBundle(ctx, body))
}

/**
 * Makes the bundle what there is of such functions in its scope, in one transaction; those that it does not bring are
 * removed. Syncs, actions and event functions are not touched. Throws also `concurrent_deployment`.
 */
export async function deployBundle(ctx: EnvironmentCtx, body: DeployBundle): Promise<BundleChanges> {
  try {
    return await exclusively(ctx, async () => {
      const plan = await planBundle(ctx, body)
      await applyPlan(ctx, plan)
      return changesOf(plan)
    })
  } catch (error) {
    // The same fault in the form of these routes: without a payload.
    if (error instanceof AppError && error.code === "concurrent_deployment") throw bundleFaults.concurrent_deployment()
    throw error
  }
}

async function planBundle(ctx: EnvironmentCtx, body: DeployBundle): Promise<Plan> {
  const scope = body.reconciliationScope
  const only = scope.kind === "integration" ? scope.integrationId : undefined
  await checkIntegrations(ctx, [
    ...body.functions.map((one) => one.integrationId),
    ...(only === undefined ? [] : [only]),
  ])
  const compiled = body.functions.map((one) => withCode(define(one), one.fileBody))
  const deployed = await listFunctions(ctx)
  const functions = await compareFunctions(ctx, { compiled, deployed, source: "repo" })
  for (const { compiled: one, existing } of functions) {
    if (existing && existing.definition.style === undefined) throw taken(one)
  }
  const candidates = deployed.filter((row) => row.definition.style === "function")
  return finishPlan(ctx, { functions, candidates, only, source: "repo" })
}

async function checkIntegrations(ctx: EnvironmentCtx, named: string[]): Promise<void> {
  const known = new Set((await listIntegrations(ctx)).map((row) => row.unique_key))
  const missing = [...new Set(named)].filter((key) => !known.has(key))
  if (missing.length === 0) return
  throw bundleFaults.integration_not_found({ message: `Integration(s) not found: ${missing.join(", ")}` })
}

const taken = ({ definition: { name, integrationId } }: CompiledFunction) =>
  bundleFaults.function_exists({ message: `${integrationId} has an action "${name}" already.` })

/** It is called by its name like an action. A run is refused there, because the runner knows no such exports. */
function define(one: BundledFunction): FunctionDefinition {
  const { name, integrationId } = one
  const output = one.output_schema_ref === null ? [] : [modelOf(one.output_schema_ref)]
  return {
    type: "action",
    name,
    integrationId,
    file: `${integrationId}/functions/${name}.ts`,
    description: one.description,
    scopes: [],
    models: output,
    modelSchemas: { definitions: one.json_schema.definitions ?? {} },
    input: one.input_schema_ref === null ? null : modelOf(one.input_schema_ref),
    output,
    autoStart: false,
    syncType: "full",
    trackDeletes: false,
    webhookSubscriptions: [],
    endpoints: [],
    hasWebhookHandler: false,
    features: one.capabilities.usesCheckpoints ? ["checkpoints"] : [],
    legacy: false,
    style: "function",
  }
}

function changesOf(plan: Plan): BundleChanges {
  const changes: BundleChanges = { created: [], updated: [], unchanged: [], deleted: [] }
  for (const { compiled, existing, changed } of plan.functions) {
    const { integrationId, name } = compiled.definition
    changes[!existing ? "created" : changed ? "updated" : "unchanged"].push({ integrationId, name })
  }
  for (const { row, integration } of plan.removed) {
    changes.deleted.push({ integrationId: integration.unique_key, name: row.name })
  }
  return changes
}
