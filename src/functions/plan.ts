import type { EnvironmentCtx } from "../app/context.ts"
import { findIntegration, getIntegrationById } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { sha256Hex } from "../kit/crypto.ts"
import type { CompiledFunction } from "./compile.ts"
import { listFunctions } from "./functions.ts"
import { functionFaults, type FunctionRow } from "./model.ts"

export type PlannedFunction = {
  compiled: CompiledFunction
  integration: IntegrationRow
  existing?: FunctionRow
  codeHash: string
  changed: boolean
}
export type Plan = {
  functions: PlannedFunction[]
  removed: { row: FunctionRow; integration: IntegrationRow }[]
  /** Whose the functions are from now on. */
  source: FunctionRow["source"]
  digest: string
}

/** One line of a plan, as a person or a program reads it. */
export type PlanLine = {
  change: "create" | "update" | "keep" | "delete"
  type: string
  integration: string
  name: string
  detail?: string
}

/**
 * Compares a project with what is deployed. Throws `unknown_provider_config` when a function belongs to an integration
 * that does not exist: the integration must be there first. With `only`, functions of other integrations are left alone.
 */
export async function planDeploy(
  ctx: EnvironmentCtx,
  compiled: CompiledFunction[],
  only: string | undefined,
): Promise<Plan> {
  const wanted = only === undefined ? compiled : compiled.filter((one) => one.definition.integrationId === only)
  const deployed = await listFunctions(ctx)
  const functions = await compareFunctions(ctx, { compiled: wanted, deployed, source: "repo" })
  const mine = deployed.filter((one) => one.source === "repo" && one.definition.style === undefined)
  return finishPlan(ctx, { functions, candidates: mine, only, source: "repo" })
}

/**
 * Sets each function beside the deployed one of its name. Throws `unknown_provider_config` when a function belongs to an
 * integration that does not exist.
 */
export async function compareFunctions(
  ctx: EnvironmentCtx,
  { compiled, deployed, source }: { compiled: CompiledFunction[]; deployed: FunctionRow[]; source: Plan["source"] },
): Promise<PlannedFunction[]> {
  const integrations = await findIntegrations(ctx, compiled)
  return compiled.map((one) => planFunction(one, { integrations, deployed, source }))
}

/** Completes a plan: of the candidates, those go that it does not bring, or only those of the integration `only`. */
export async function finishPlan(
  ctx: EnvironmentCtx,
  input: { functions: PlannedFunction[]; candidates: FunctionRow[]; only?: string; source: Plan["source"] },
): Promise<Plan> {
  const { functions, candidates, only, source } = input
  const kept = new Set(functions.map((one) => one.existing?.id))
  const removed: Plan["removed"] = []
  for (const row of candidates.filter((one) => !kept.has(one.id))) {
    const integration = await getIntegrationById(ctx, row.integration_id)
    if (only === undefined || integration.unique_key === only) removed.push({ row, integration })
  }
  const digest = sha256Hex(
    JSON.stringify([functions.map((one) => [one.existing?.id, one.codeHash]), removed.map((one) => one.row.id)]),
  ).slice(0, 16)
  return { functions, removed, source, digest }
}

async function findIntegrations(
  ctx: EnvironmentCtx,
  compiled: CompiledFunction[],
): Promise<Map<string, IntegrationRow>> {
  const found = new Map<string, IntegrationRow>()
  for (const providerConfigKey of new Set(compiled.map((one) => one.definition.integrationId))) {
    const row = await findIntegration(ctx, providerConfigKey)
    if (!row) {
      throw functionFaults.unknown_provider_config({
        message: `There is no integration "${providerConfigKey}" in the environment ${ctx.environment.name}.`,
        payload: { providerConfigKey },
        hint: `sluice integrations create ${providerConfigKey} --provider <name>`,
      })
    }
    found.set(providerConfigKey, row)
  }
  return found
}

function planFunction(
  compiled: CompiledFunction,
  found: { integrations: Map<string, IntegrationRow>; deployed: FunctionRow[]; source: Plan["source"] },
): PlannedFunction {
  const { definition } = compiled
  const integration = found.integrations.get(definition.integrationId) as IntegrationRow
  const existing = found.deployed.find(
    (row) => row.integration_id === integration.id && row.type === definition.type && row.name === definition.name,
  )
  const codeHash = sha256Hex(JSON.stringify([compiled.code, compiled.source, definition]))
  const changed = existing?.code_hash !== codeHash || existing.source !== found.source
  return { compiled, integration, existing, codeHash, changed }
}

export function describePlan(plan: Plan): PlanLine[] {
  const lines: PlanLine[] = plan.functions.map((one) => ({
    change: one.existing ? (one.changed ? "update" : "keep") : "create",
    type: one.compiled.definition.type,
    integration: one.integration.unique_key,
    name: one.compiled.definition.name,
    detail: detailOf(one),
  }))
  for (const { row, integration } of plan.removed) {
    lines.push({ change: "delete", type: row.type, integration: integration.unique_key, name: row.name })
  }
  return lines
}

function detailOf(one: PlannedFunction): string | undefined {
  const { definition } = one.compiled
  if (definition.type !== "sync") return undefined
  const before = one.existing?.definition
  if (before && before.frequency !== definition.frequency) return `${before.frequency} → ${definition.frequency}`
  const dropped = before?.models?.filter((model) => !definition.models?.includes(model)) ?? []
  if (dropped.length > 0) return `no longer saves ${dropped.join(", ")}`
  return definition.frequency
}

/** What a person must agree to: functions that disappear, and models that a sync no longer saves. */
export const isDestructive = (plan: Plan): boolean =>
  plan.removed.length > 0 ||
  plan.functions.some(({ compiled, existing }) =>
    existing?.definition.models?.some(
      (model) => compiled.definition.models && !compiled.definition.models.includes(model),
    ),
  )
