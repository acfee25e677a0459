import { AppError } from "../kit/errors.ts"
import type { RunError } from "../runner/runner.ts"

// Maps, because a type is whatever the guest says: `constructor` must find nothing.
const sentences = new Map(
  Object.entries({
    action_script_runtime_error: "The action script failed with a runtime error",
    script_internal_error: "The action script failed with an internal error",
    script_network_error: "The action script failed with a network error",
    script_api_rate_limit_error: "The action script was rate limited",
    script_output_too_large: "The output of the action is too large",
    script_aborted: "The action was cancelled",
    execution_timeout: "The action took too long",
    function_runtime_timed_out: "The action took too long",
    function_runtime_out_of_memory: "The action used more memory than a run may",
    invalid_action_input: "The input of the action does not match its schema",
    invalid_action_output: "The output of the action does not match its schema",
  }),
)
const statuses = new Map(
  Object.entries({
    script_http_error: 424,
    script_api_rate_limit_error: 424,
    script_output_too_large: 400,
    script_aborted: 410,
    invalid_action_input: 400,
    invalid_action_output: 400,
    invalid_sync_record: 400,
  }),
)

/**
 * A failed action as the API answers it. An `ActionError` carries its payload twice: where today's clients read it, and at
 * the top level, where the older documents promise it.
 */
export function actionError(error: RunError): AppError {
  const { type, payload } = error
  const status = statuses.get(type) ?? 500
  if (type === "script_http_error") {
    // This form alone has no sentence.
    return new AppError(type, status, "", { payload, extra: error.upstream ? { upstream: error.upstream } : undefined })
  }
  const top = type === "action_script_runtime_error" ? { error_type: "action_script_failure", payload } : undefined
  const message = sentences.get(type) ?? `The action script failed with an error: ${error.message}`
  return new AppError(type, status, message, { payload, top })
}
