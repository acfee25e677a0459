import { eq } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { compileProject } from "./compile.ts"
import type { Diagnostic } from "./diagnostics.ts"
import { readCode, removeFunctions } from "./functions.ts"
import { type DeployProject, functionCode, functionFaults, type FunctionRow, functions } from "./model.ts"
import { describePlan, isDestructive, planDeploy, type Plan, type PlanLine, type PlannedFunction } from "./plan.ts"

export type DeployAnswer = {
  digest: string
  destructive: boolean
  changes: PlanLine[]
  warnings: Diagnostic[]
  deployed: boolean
}

const deploying = new Set<number>()

/**
 * Compares a project with what is deployed and, in mode `apply`, switches to it in one transaction: functions, their
 * code, and through the moment `functionsDeployed` the syncs and schedules of every connection.
 */
export async function deployProject(ctx: EnvironmentCtx, input: DeployProject): Promise<DeployAnswer> {
  const compiled = await compileProject(ctx, new Map(Object.entries(input.files)))
  const planNow = () => planDeploy(ctx, compiled.functions, input.integration)
  const answerFor = (plan: Plan, deployed: boolean): DeployAnswer => ({
    digest: plan.digest,
    destructive: isDestructive(plan),
    changes: describePlan(plan),
    warnings: compiled.warnings,
    deployed,
  })
  if (input.mode === "plan") return answerFor(await planNow(), false)
  return exclusively(ctx, async () => {
    const plan = await planNow()
    if (input.expect !== undefined && input.expect !== plan.digest)
      throw functionFaults.plan_changed({ hint: "Look at the plan again and confirm it." })
    await applyPlan(ctx, plan)
    return answerFor(plan, true)
  })
}

/** One deploy at a time in an environment, from its plan to its end. A second one is told so: `concurrent_deployment`. */
export async function exclusively<T>(ctx: EnvironmentCtx, deploy: () => Promise<T>): Promise<T> {
  const environmentId = ctx.environment.id
  if (deploying.has(environmentId)) throw functionFaults.concurrent_deployment()
  deploying.add(environmentId)
  try {
    return await deploy()
  } finally {
    deploying.delete(environmentId)
  }
}

export type ApplyOptions = {
  /** What was noticed on the way, for the log. */
  warnings?: string[]
  /** New syncs are stored, but not yet given to the connections that are there. */
  storeOnly?: boolean
}

/** Carries out a plan, inside `exclusively`. Answers its functions as they are stored now, in the plan's order. */
export async function applyPlan(ctx: EnvironmentCtx, plan: Plan, options: ApplyOptions = {}): Promise<FunctionRow[]> {
  const environmentId = ctx.environment.id
  const operation = ctx.logs.open({ environmentId, type: "deploy", action: "custom", message: "Deploying functions" })
  for (const warning of options.warnings ?? []) operation.warn(warning)
  const removed = plan.removed.map((one) => one.row)
  try {
    const saved = await inTransaction(ctx, async (ctx) => {
      const rows: FunctionRow[] = []
      for (const one of plan.functions)
        rows.push(one.changed ? await saveFunction(ctx, one, plan.source) : (one.existing as FunctionRow))
      await removeFunctions(ctx, removed)
      await ctx.moments.functionsDeployed(ctx, { saved: rows, removed, storeOnly: options.storeOnly })
      return rows
    })
    operation.info(`${saved.length} functions are deployed, ${plan.removed.length} were removed`, {
      changes: describePlan(plan),
    })
    operation.close("success")
    return saved
  } catch (error) {
    // The log tells the owner; the caller is told by the error itself.
    operation.close("failed", { message: (error as Error).message })
    throw error
  }
}

async function saveFunction(
  ctx: EnvironmentCtx,
  one: PlannedFunction,
  source: FunctionRow["source"],
): Promise<FunctionRow> {
  const { definition } = one.compiled
  const now = ctx.now().getTime()
  const changes = {
    version: definition.version || (await versionAfter(ctx, one)),
    definition,
    code_hash: one.codeHash,
    source,
    deployed_at: now,
  }
  const [row] = one.existing
    ? await ctx.db.update(functions).set(changes).where(eq(functions.id, one.existing.id)).returning()
    : await ctx.db
        .insert(functions)
        .values({
          ...changes,
          environment_id: ctx.environment.id,
          integration_id: one.integration.id,
          name: definition.name,
          type: definition.type,
          enabled: true,
          created_at: now,
        })
        .returning()
  if (!row) throw new Error("The function was not stored.")
  const code = { code: one.compiled.code, map: one.compiled.map, source: one.compiled.source }
  await ctx.db
    .insert(functionCode)
    .values({ function_id: row.id, ...code })
    .onConflictDoUpdate({ target: functionCode.function_id, set: code })
  return row
}

/** Code that is the same keeps its version, also when what is declared about it has changed. */
async function versionAfter(ctx: EnvironmentCtx, { compiled, existing }: PlannedFunction): Promise<string> {
  if (!existing) return nextVersion(undefined, compiled.definition.type)
  const before = await readCode(ctx, existing.id)
  const isSame = before.code === compiled.code && before.source === compiled.source
  return isSame ? existing.version : nextVersion(existing.version, existing.type)
}

/** A version with dots gets a patch more, a plain number one more; the first is 1 (0.0.1 for event functions). */
export function nextVersion(previous: string | undefined, type: FunctionRow["type"]): string {
  if (previous === undefined) return type === "on-event" ? "0.0.1" : "1"
  const parts = previous.split(".")
  const last = Number(parts.at(-1))
  if (!Number.isInteger(last)) return "1"
  return [...parts.slice(0, -1), String(last + 1)].join(".")
}
