import { memberAt, textAt } from "../auth/token-answer.ts"
import type { LookupPick, LookupValue } from "../providers/lookup.ts"
import { renderTemplate, type TemplateScope } from "../providers/template.ts"
import { convertValue } from "../providers/value-kind.ts"

/** Longest text that is taken over from an answer. */
const longestText = 2_048

/** The element of a list that the first rule which finds one picks. */
export function chooseElement(list: unknown, rules: readonly LookupPick[], scope: TemplateScope): unknown {
  if (!Array.isArray(list)) return undefined
  for (const rule of rules) {
    const chosen = choose(list, rule, scope)
    if (chosen !== undefined) return chosen
  }
  return undefined
}

function choose(list: unknown[], rule: LookupPick, scope: TemplateScope): unknown {
  if (rule === "first") return list[0]
  if (rule === "only") return list.length === 1 ? list[0] : undefined
  if ("contains" in rule) {
    const wanted = fill(rule.contains, scope)?.toLowerCase()
    return wanted && list.find((one) => textAt(one, rule.path)?.toLowerCase().includes(wanted))
  }
  const wanted = typeof rule.equals === "string" ? fill(rule.equals, scope) : rule.equals
  if (wanted === undefined || wanted === "") return undefined
  return list.find((one) => {
    const value = memberAt(one, rule.path)
    if (typeof wanted === "boolean") return value === wanted
    const text = textAt(one, rule.path)
    return text !== undefined && convertValue(text, rule.as) === String(wanted)
  })
}

function fill(template: string, scope: TemplateScope): string | undefined {
  const { text, complete } = renderTemplate(template, scope)
  return complete ? text : undefined
}

/** The members that a step saves, as far as their values are there: texts (numbers too, as texts) and booleans. */
export function readSaved(
  source: unknown,
  save: Readonly<Record<string, LookupValue>>,
): Record<string, string | boolean> {
  const values = Object.entries(save).map(([name, value]) => [name, readValue(source, value)] as const)
  return Object.fromEntries(values.filter((member): member is [string, string | boolean] => member[1] !== undefined))
}

function readValue(source: unknown, value: LookupValue): string | boolean | undefined {
  const { path, matches, as } = typeof value === "string" ? { path: value, matches: undefined, as: undefined } : value
  const found = memberAt(source, path)
  if (typeof found === "boolean" && matches === undefined && as === undefined) return found
  const text = textAt(source, path)
  const part = text === undefined || matches === undefined ? text : new RegExp(matches).exec(text)?.[1]
  const kept = part ? convertValue(part, as) : undefined
  return kept === undefined || kept.length > longestText ? undefined : kept
}
