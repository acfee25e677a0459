import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { ConnectionId, ScriptName, UniqueKey } from "../kit/shapes.ts"

/** Working on a single function from afar: compile it, try it, deploy it. Longest code: 4 Mi characters. */
const Code = z
  .string()
  .min(1)
  .max(4 * 1024 * 1024)
const FunctionType = z.enum(["action", "sync"])

export const CompileCode = z.strictObject({ code: Code })

export const StartDryRun = z.strictObject({
  integration_id: UniqueKey,
  function_type: FunctionType,
  code: Code,
  connection_id: ConnectionId,
  input: z.unknown().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  checkpoint: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  last_sync_date: z.iso.datetime({ offset: true }).optional(),
})
export type StartDryRun = z.output<typeof StartDryRun>

const FunctionDeployment = z.strictObject({
  type: z.literal("function"),
  integration_id: UniqueKey,
  function_name: ScriptName,
  function_type: FunctionType,
  code: Code,
  version: z.string().min(1).max(255).optional(),
  /** Models that a deployed sync no longer saves are dropped only with it. */
  allow_destructive: z.boolean().default(false),
})
export type FunctionDeployment = z.output<typeof FunctionDeployment>
export const StartDeployment = z.discriminatedUnion("type", [
  FunctionDeployment,
  z.strictObject({
    type: z.literal("template"),
    integration_id: UniqueKey,
    template: z.string().min(1).max(255),
    function_type: FunctionType.optional(),
  }),
])
export type StartDeployment = z.output<typeof StartDeployment>

export const Invoke = z.strictObject({
  connection_id: ConnectionId,
  integration_id: UniqueKey,
  name: ScriptName,
  input: z.unknown().optional(),
  invocation_type: z.enum(["wait", "no_wait"]),
  options: z.record(z.string(), z.unknown()).optional(),
})
export type Invoke = z.output<typeof Invoke>

export const JobParams = z.object({ id: z.string().min(1).max(255) })

export const remoteFaults = defineFaults({
  invalid_request: [400, "The request cannot be carried out."],
  compilation_error: [400, "The code cannot be compiled."],
  integration_not_found: [404, "There is no integration with this id in this environment."],
  connection_not_found: [404, "There is no connection with this id for this integration."],
  template_not_found: [404, "There is no template of that name."],
  dryrun_not_found: [404, "There is no dry run with this id; they are kept for an hour."],
  deployment_not_found: [404, "There is no deployment with this id; they are kept for an hour."],
  unknown_function: [404, "There is no function of that name for this integration."],
  function_disabled: [403, "The function is disabled."],
  invalid_invocation: [400, "Only an action can be invoked."],
  not_implemented: [501, "Invocations are not supported: trigger the action instead."],
  forbidden: [403, "Only a sandbox reports what became of its own run."],
  execution_environment_unavailable: [503, "Too many dry runs and deployments are waiting: try again later."],
  dryrun_error: [400, "The dry run failed."],
  deployment_error: [400, "The deployment failed."],
  timeout: [408, "It took too long and was ended."],
})
