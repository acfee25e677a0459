import { capitals } from "../case/capitals"

export type PersonName = { given: string; family: string }

/** `ada lovelace` → Ada, Lovelace. */
export function splitName(name: string): PersonName {
  const [given = "", ...rest] = name.trim().split(/\s+/)
  return { given: capitals(given), family: capitals(rest.join(" ")) }
}
