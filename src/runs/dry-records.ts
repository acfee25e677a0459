import type { Counts, DryChange, DryEvent } from "../fixtures/events.ts"
import { defineFaults } from "../kit/errors.ts"
import { fromLines } from "../kit/lines.ts"
import { type Entry, parseEntry, readEntries } from "../records/entries.ts"
import { listUnseen, readRecords } from "../records/list.ts"
import { canonicalText, equalJson, type JsonObject, mergeJson } from "../records/payload.ts"
import type { CallInput } from "../runner/calls.ts"
import { holdBrake, target, type Target } from "../runner/host-records.ts"
import type { HostRun } from "../runner/host-run.ts"
import { StepError } from "../store/writer.ts"
import type { DryAnswer } from "./dry-host.ts"

const faults = defineFaults({
  invalid_sync_record: [400, "A record is not valid."],
})

type Action = "save" | "update" | "delete"
/** What the run has made of a record: its payload's digest (undefined: not known), or that it is gone. */
type State = { live: boolean; digest?: string }
type Stored = { live: boolean; pruned: boolean; payload: JsonObject }

export type DryRecords = {
  counts: Record<string, Counts>
  write: (action: Action, input: CallInput<"records.save">, body: string) => Promise<DryAnswer>
  startDeletes: (model: string) => Promise<DryAnswer>
  /** `window`: since trackDeletesStart, `run`: since the run began. */
  endDeletes: (model: string, since: "window" | "run") => Promise<DryAnswer>
}

type Kept = {
  run: HostRun
  emit: (event: DryEvent) => Promise<void>
  counts: Record<string, Counts>
  /** Full model → external id → what became of it in this run. */
  states: Map<string, Map<string, State>>
  windows: Set<string>
  shownBefore: number
}

const mostBefore = 100
const mostKeys = 1_000_000
/** Higher than any run: whatever is live counts as not seen. */
const beyondAllRuns = Number.MAX_SAFE_INTEGER

/** Compares what a run would store with what is stored, and keeps the difference in memory. */
export function createDryRecords(run: HostRun, emit: Kept["emit"]): DryRecords {
  const kept: Kept = { run, emit, counts: {}, states: new Map(), windows: new Set(), shownBefore: 0 }
  return {
    counts: kept.counts,
    write: (action, input, body) => writeDry(kept, action, input, body),
    async startDeletes(model) {
      kept.windows.add(target(run, model).model)
      run.operation.info(`Tracking deletes of "${model}" (dry run)`)
      return {}
    },
    endDeletes: (model, since) => endDry(kept, model, since),
  }
}

async function writeDry(
  kept: Kept,
  action: Action,
  input: CallInput<"records.save">,
  body: string,
): Promise<DryAnswer> {
  const to = target(kept.run, input.model)
  const { entries, payloads } = readAll(fromLines(input.ids), body)
  const stored = await readStored(kept.run, to, [...payloads.keys()])
  const states = statesOf(kept, to.model)
  const counts = (kept.counts[input.model] ??= { added: 0, updated: 0, deleted: 0, unchanged: 0 })
  const before: Record<string, unknown> = {}
  const outcome = new Map<string, DryChange>()
  for (const [id, payload] of payloads) {
    const change = apply(action, payload, { states, id, stored: stored.get(id) })
    outcome.set(id, change)
    if (change === "updated" && stored.has(id) && kept.shownBefore++ < mostBefore) before[id] = stored.get(id)?.payload
    if (change in counts) counts[change as keyof Counts]++
  }
  const first = new Set<string>()
  const changes = entries.map(({ id }) => (first.has(id) ? "duplicate" : (first.add(id), outcome.get(id) ?? "unknown")))
  const records = body === "" ? [] : body.split("\n").map((line) => JSON.parse(line) as unknown)
  await kept.emit({ event: "records", action, model: input.model, records, changes, before })
  return {}
}

/** All entries of a batch in order, and the payloads that count: the first of each id. */
function readAll(ids: string[], body: string): { entries: { id: string }[]; payloads: Map<string, JsonObject> } {
  try {
    const read = readEntries(ids, body).entries
    const payloads = new Map(read.map((entry: Entry) => [entry.id, parseEntry(entry)]))
    return { entries: ids.map((id) => ({ id: id.replaceAll("\0", "") })), payloads }
  } catch (error) {
    // The same words as from the writer of real runs.
    if (error instanceof StepError) throw faults.invalid_sync_record({ message: error.message, cause: error })
    throw error
  }
}

function statesOf({ states }: Kept, model: string): Map<string, State> {
  const known = states.get(model) ?? new Map<string, State>()
  states.set(model, known)
  return known
}

async function readStored(run: HostRun, { connectionId, model }: Target, ids: string[]): Promise<Map<string, Stored>> {
  const lines = await readRecords(run.ctx.store, { connectionId, model, ids })
  const found = new Map<string, Stored>()
  for (const line of lines === "" ? [] : lines.split("\n")) {
    const { _nango_metadata: meta, ...payload } = JSON.parse(line) as JsonObject
    const { deleted_at, pruned_at } = meta as JsonObject
    found.set(payload.id as string, { live: deleted_at === null, pruned: pruned_at !== null, payload })
  }
  return found
}

type Before = { states: Map<string, State>; id: string; stored: Stored | undefined }

function apply(action: Action, payload: JsonObject, { states, id, stored }: Before): DryChange {
  const mine = states.get(id)
  const live = mine ? mine.live : stored?.live === true
  if (action === "delete") {
    states.set(id, { live: false })
    return live ? "deleted" : "unchanged"
  }
  if (action === "update") return update(payload, { states, id, stored }, { mine, live })
  const digest = digestOf(payload)
  states.set(id, { live: true, digest })
  if (!live) return "added"
  if (mine) return mine.digest === digest ? "unchanged" : "updated"
  return stored && (stored.pruned || equalJson(stored.payload, payload)) ? "unchanged" : "updated"
}

function update(
  patch: JsonObject,
  { states, id, stored }: Before,
  now: { mine: State | undefined; live: boolean },
): DryChange {
  if (!now.live) return "unknown"
  if (now.mine || !stored) {
    // What the run itself has saved is kept only as a digest, so that it cannot be merged exactly.
    states.set(id, { live: true })
    return "updated"
  }
  const merged = mergeJson(stored.payload, patch)
  states.set(id, { live: true, digest: digestOf(merged) })
  return equalJson(merged, stored.payload) ? "unchanged" : "updated"
}

const digestOf = (payload: JsonObject): string => Bun.hash(canonicalText(payload)).toString(36)

async function endDry(kept: Kept, model: string, since: "window" | "run"): Promise<DryAnswer> {
  const to = target(kept.run, model)
  const { connectionId, model: full } = to
  const key = { connectionId, model: full, limit: mostKeys }
  const own = since === "run" || kept.windows.has(full)
  const unseen = await listUnseen(kept.run.ctx.store, {
    ...key,
    ...(own ? { generation: beyondAllRuns } : { scope: kept.run.scope }),
  })
  const states = statesOf(kept, full)
  const ids = unseen.filter((id) => !states.has(id))
  await holdBrake(kept.run, to, ids.length)
  for (const id of ids) states.set(id, { live: false })
  const counts = (kept.counts[model] ??= { added: 0, updated: 0, deleted: 0, unchanged: 0 })
  counts.deleted += ids.length
  kept.windows.delete(full)
  await kept.emit({ event: "deletes", model, count: ids.length, ids: ids.slice(0, 1000) })
  return { output: { deletedKeys: ids } }
}
