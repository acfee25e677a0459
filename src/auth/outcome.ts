import type { Outcome } from "../providers/outcome.ts"
import { memberAt } from "./token-answer.ts"

/** The first of the outcomes that an answer fits. */
export const findOutcome = (body: unknown, outcomes: readonly Outcome[] = []): Outcome | undefined =>
  outcomes.find((outcome) => fits(body, outcome))

function fits(body: unknown, { path, equals, matches, missing }: Outcome): boolean {
  const value = memberAt(body, path ?? "")
  if (missing && value !== undefined && value !== null) return false
  if (equals !== undefined && value !== equals) return false
  if (matches === undefined) return true
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "")
  return new RegExp(matches).test(text)
}
