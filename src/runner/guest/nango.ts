import type { RunFacts, RunKind } from "../protocol.ts"
import { actionMembers } from "./action.ts"
import type { Realm } from "./action.ts"
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
  return protect(withRecords ? { ...members, ...syncMembers(channel, realm, run) } : members)
}
