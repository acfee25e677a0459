import type { Provider } from "../providers/model.ts"
import { integrationFaults } from "./model.ts"

/**
 * Checks the values that an owner gives once for an integration and merges them over the present ones. Answers undefined
 * when nothing was given. All problems come in one sentence.
 */
export function checkIntegrationConfig(
  provider: Provider,
  input: { integration_config?: Record<string, string>; custom?: Record<string, string> },
  present: Record<string, string>,
): Record<string, string> | undefined {
  const fields = provider.integration_config
  if (input.custom && fields) {
    throw integrationFaults.invalid_body({
      message: "This provider uses integration_config; set its values there instead of custom",
    })
  }
  if (!input.integration_config) return input.custom ? { ...present, ...input.custom } : undefined
  if (!fields)
    throw integrationFaults.invalid_body({ message: "This provider does not accept integration configuration" })
  const merged = { ...present, ...input.integration_config }
  const problems = Object.keys(input.integration_config)
    .filter((name) => !Object.hasOwn(fields, name))
    .map((name) => `Unknown field ${name}`)
  for (const [name, field] of Object.entries(fields)) {
    const condition = field.visible_when
    const applies = !condition || merged[condition.field] === String(condition.equals)
    if (applies && !field.optional && !merged[name] && field.default_value === undefined)
      problems.push(`${field.title ?? name} is required`)
  }
  if (problems.length > 0) throw integrationFaults.invalid_body({ message: problems.join(", ") })
  return merged
}
