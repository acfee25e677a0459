import { isDeepStrictEqual } from "node:util"

export type Payload = Record<string, unknown>
type Entry = {
  payload: Payload
  /** The payload that was pruned away. */
  pruned: Payload | undefined
  action: "ADDED" | "UPDATED" | "DELETED"
  change: number
  seenBy: Set<number>
}
export type Counts = { added: number; updated: number; deleted: number; unchanged: number }

/** The records of one model as the specification tells them, in the simplest code that does. */
export function makeOracle() {
  const entries = new Map<string, Entry>()
  const windows = new Map<string, number>()
  let change = 0
  const isLive = (entry: Entry | undefined): entry is Entry & { action: "ADDED" | "UPDATED" } =>
    entry !== undefined && entry.action !== "DELETED"
  const touch = (id: string, entry: Omit<Entry, "change">) => entries.set(id, { ...entry, change: ++change })

  function put(run: number, id: string, payload: Payload): keyof Counts {
    const entry = entries.get(id)
    if (!isLive(entry)) {
      touch(id, { payload, pruned: undefined, action: "ADDED", seenBy: new Set([...(entry?.seenBy ?? []), run]) })
      return "added"
    }
    entry.seenBy.add(run)
    if (isDeepStrictEqual(entry.pruned ?? entry.payload, payload)) {
      entries.set(id, { ...entry, payload, pruned: undefined })
      return "unchanged"
    }
    touch(id, { payload, pruned: undefined, action: "UPDATED", seenBy: entry.seenBy })
    return "updated"
  }

  const firstOfEach = (records: Payload[]) =>
    records.filter((record, at) => records.findIndex((other) => other.id === record.id) === at)

  function apply(records: Payload[], one: (id: string, record: Payload) => keyof Counts | undefined): Counts {
    const counts: Counts = { added: 0, updated: 0, deleted: 0, unchanged: 0 }
    for (const record of firstOfEach(records)) {
      const kind = one(record.id as string, record)
      if (kind) counts[kind]++
    }
    return counts
  }

  const unseen = (generation: number) =>
    ordered().filter((id) => {
      const entry = entries.get(id)
      return isLive(entry) && ![...entry.seenBy].some((run) => run >= generation)
    })
  const ordered = () =>
    [...entries.keys()].toSorted((a, b) => (entries.get(a)?.change ?? 0) - (entries.get(b)?.change ?? 0))

  return {
    save: (run: number, records: Payload[], ignoreAfter: number | undefined): Counts =>
      apply(records, (id, record) => {
        const entry = entries.get(id)
        if (!entry || ignoreAfter === undefined || entry.change <= ignoreAfter) return put(run, id, record)
        entry.seenBy.add(run)
        return "unchanged"
      }),
    update: (run: number, records: Payload[]): Counts =>
      apply(records, (id, record) => {
        const entry = entries.get(id)
        if (!isLive(entry)) return undefined
        const merged = merge(entry.payload, record)
        entry.seenBy.add(run)
        return isDeepStrictEqual(entry.payload, merged) ? "unchanged" : put(run, id, merged)
      }),
    remove: (run: number, records: Payload[]): Counts =>
      apply(records, (id) => {
        const entry = entries.get(id)
        const { payload = { id }, pruned, seenBy = new Set<number>() } = entry ?? {}
        touch(id, { payload, pruned, action: "DELETED", seenBy: seenBy.add(run) })
        return isLive(entry) ? "deleted" : undefined
      }),
    openWindow(run: number, scope: string) {
      if (!windows.has(scope)) windows.set(scope, run)
    },
    dropWindow: (scope: string) => windows.delete(scope),
    unseen: (scope: string) => (windows.has(scope) ? unseen(windows.get(scope) as number) : undefined),
    markUnseen(scope: string): number {
      const generation = windows.get(scope)
      const gone = generation === undefined ? [] : unseen(generation)
      for (const id of gone) touch(id, { ...(entries.get(id) as Entry), action: "DELETED" })
      windows.delete(scope)
      return gone.length
    },
    /** Prunes the records that are first in the order of change, up to and including the one at `place`. */
    prune(place: number): number {
      const chosen = ordered()
        .slice(0, place + 1)
        .filter((id) => entries.get(id)?.pruned === undefined)
      for (const id of chosen) {
        const entry = entries.get(id) as Entry
        entries.set(id, { ...entry, payload: { id }, pruned: entry.payload })
      }
      return chosen.length
    },
    changeAt: (place: number) => entries.get(ordered()[place] ?? "")?.change,
    live: () => [...entries.values()].filter(isLive).length,
    /** Everything a reader sees, in the order of change. */
    read: () =>
      ordered().map((id) => {
        const { payload, pruned, action } = entries.get(id) as Entry
        return { payload, action, pruned: pruned !== undefined }
      }),
  }
}

function merge(base: unknown, patch: unknown): Payload {
  const isPlain = (value: unknown): value is Payload =>
    typeof value === "object" && value !== null && !Array.isArray(value)
  if (!isPlain(base) || !isPlain(patch)) return patch as Payload
  const keys = new Set([...Object.keys(base), ...Object.keys(patch)])
  return Object.fromEntries([...keys].map((key) => [key, key in patch ? merge(base[key], patch[key]) : base[key]]))
}
