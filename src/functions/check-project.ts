import type { FunctionDefinition } from "./definition.ts"
import type { Diagnostic } from "./diagnostics.ts"

/**
 * The rules between functions of one integration: names are unique, two syncs never share a model (or a named metadata
 * model), and no two functions claim the same `METHOD path`. Each finding stands at the second of the two.
 */
export function checkProject(definitions: readonly FunctionDefinition[]): Diagnostic[] {
  const findings: Diagnostic[] = []
  const owners = new Map<string, FunctionDefinition>()
  const claim = (one: FunctionDefinition, code: string, subject: string, what: string) => {
    const key = JSON.stringify([one.integrationId, code, subject])
    const owner = owners.get(key)
    if (owner === undefined) owners.set(key, one)
    if (owner === undefined || owner === one) return
    findings.push({ file: one.file, line: 1, column: 1, code, message: `${what} is also used by ${owner.file}` })
  }
  for (const one of definitions) {
    claim(one, "duplicate_function", one.name, `the name ${one.name}`)
    for (const { method, path } of one.endpoints) {
      claim(one, "duplicate_endpoint", `${method} ${path}`, `the endpoint ${method} ${path}`)
    }
    // In nango.yaml projects models are declared once and may be saved by several syncs.
    if (one.type !== "sync" || one.legacy) continue
    for (const model of [...(one.models ?? []), ...(one.input ? [one.input] : [])])
      claim(one, "duplicate_model", model, `the model ${model}`)
  }
  return findings
}
