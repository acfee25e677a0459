import type { RunFacts, RunKind } from "../protocol.ts"
import { actionMembers } from "./action.ts"
import type { Realm } from "./action.ts"
import { named, namedAtOnce, namedSteps } from "./arguments.ts"
import type { Channel } from "./channel.ts"
import { protect } from "./facade.ts"
import { syncMembers } from "./sync.ts"
import type { Validation } from "./validate.ts"

/** The `nango` object for one run: syncs and webhook functions also get the record methods. */
export function createNango(
  channel: Channel,
  realm: Realm,
  run: { kind: RunKind; facts: RunFacts; validation: Validation },
): Record<string, unknown> {
  const members = actionMembers(channel, realm, run)
  const withRecords = run.kind === "sync" || run.kind === "webhook"
  const all = withRecords ? { ...members, ...syncMembers(channel, realm, run) } : members
  return protect(Object.fromEntries(Object.entries(all).map(([name, member]) => [name, nameMethod(name, member)])))
}

const atOnce = new Set(["setLogger", "getFlowAttributes"])
const inSteps = new Set(["paginate", "listRecords"])
/** A class, and what never refuses anything. */
const asTheyAre = new Set(["ActionError", "log"])

function nameMethod(name: string, member: unknown): unknown {
  if (typeof member !== "function" || asTheyAre.has(name)) return member
  const method = member as (...args: unknown[]) => unknown
  if (inSteps.has(name)) return namedSteps(name, method)
  return atOnce.has(name) ? namedAtOnce(name, method) : named(name, method)
}
