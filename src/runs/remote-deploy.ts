import type { EnvironmentCtx } from "../app/context.ts"
import { findConnection } from "../connections/connections.ts"
import { applyPlan, exclusively } from "../functions/deploy.ts"
import { listFunctions } from "../functions/functions.ts"
import { compareFunctions, finishPlan, isDestructive } from "../functions/plan.ts"
import { findIntegration } from "../integrations/integrations.ts"
import { type JobResult, startJob } from "./jobs.ts"
import { compileAlone } from "./remote-dry-run.ts"
import { type FunctionDeployment, type Invoke, remoteFaults, type StartDeployment } from "./remote-model.ts"

const limitMs = 5 * 60_000

/**
 * Begins to deploy a single function and answers at once. Throws `integration_not_found`, and `invalid_request` when a
 * project has deployed a function of this name. There are no templates here: `template_not_found`.
 */
export async function beginDeployment(ctx: EnvironmentCtx, input: StartDeployment) {
  const integration = await findIntegration(ctx, input.integration_id)
  if (!integration) throw remoteFaults.integration_not_found()
  if (input.type === "template") throw remoteFaults.template_not_found()
  await refuseOthers(ctx, integration.id, input)
  const { integration_id, function_type, function_name } = input
  return startJob(ctx, {
    kind: "deployment",
    about: { integration_id, function_type, function_name },
    limitMs,
    work: () => deploy(ctx, integration.id, input),
  })
}

/** What a project has deployed is changed there. */
async function refuseOthers(ctx: EnvironmentCtx, integrationId: number, input: FunctionDeployment): Promise<void> {
  const named = (await listFunctions(ctx, { integrationId })).filter((row) => row.name === input.function_name)
  if (named.every((row) => row.source === "standalone")) return
  const message = `"${input.function_name}" belongs to a deployed project: change it there.`
  throw remoteFaults.invalid_request({ message })
}

async function deploy(ctx: EnvironmentCtx, integrationId: number, input: FunctionDeployment): Promise<JobResult> {
  const { integration_id, function_name: name, function_type, code, version } = input
  const compiled = await compileAlone(ctx, { integrationId: integration_id, name, type: function_type, code })
  const { definition } = compiled
  if (definition.type !== function_type)
    throw remoteFaults.deployment_error({ message: `The code is of type ${definition.type}.` })
  if (version !== undefined) definition.version = version
  return exclusively(ctx, async () => {
    await refuseOthers(ctx, integrationId, input)
    const deployed = await listFunctions(ctx)
    const functions = await compareFunctions(ctx, { compiled: [compiled], deployed, source: "standalone" })
    const plan = await finishPlan(ctx, { functions, candidates: [], source: "standalone" })
    if (isDestructive(plan) && !input.allow_destructive) {
      const message = "The sync would no longer save all of its models; allow_destructive is needed for that."
      throw remoteFaults.deployment_error({ message })
    }
    const rows = await applyPlan(ctx, plan)
    return { deployed: true, deployed_functions: rows.map((row) => ({ name: row.name, version: row.version })) }
  })
}

/** Looks at what is to be invoked and then declines: `not_implemented`. */
export async function refuseInvocation(ctx: EnvironmentCtx, input: Invoke): Promise<never> {
  const { connection_id: connectionId, integration_id: providerConfigKey, name } = input
  const found = await findConnection(ctx, { connectionId, providerConfigKey })
  if (!found) throw remoteFaults.connection_not_found()
  const named = await listFunctions(ctx, { integrationId: found.integration.id })
  const matches = named.filter((row) => row.name === name)
  const row = matches.find((one) => one.type === "action") ?? matches[0]
  if (!row) throw remoteFaults.unknown_function()
  if (!row.enabled) throw remoteFaults.function_disabled()
  if (row.type !== "action") throw remoteFaults.invalid_invocation()
  throw remoteFaults.not_implemented()
}
