import type { Provider } from "./model.ts"
import type { CatalogueProblem, SourceEntry } from "./source.ts"

type Resolution = {
  providers: Map<string, Provider>
  problems: CatalogueProblem[]
}

/**
 * Gives every entry the members of the entry that its `alias` names, its own on top (a shallow merge: `proxy` and the
 * like are replaced as a whole). The order of entries does not matter. Circles and unknown names are problems, reported
 * once, at the entry that causes them; `broken` names entries that are left out because they have been reported before.
 */
export function resolveAliases(entries: ReadonlyMap<string, SourceEntry>, broken: readonly string[] = []): Resolution {
  const done = new Map<string, Provider | undefined>(broken.map((id) => [id, undefined]))
  const problems: CatalogueProblem[] = []
  for (const id of entries.keys()) resolveChain(id, entries, done, problems)
  const providers = new Map<string, Provider>()
  for (const id of entries.keys()) {
    const provider = done.get(id)
    if (provider) providers.set(id, provider)
  }
  return { providers, problems }
}

/** Walks from an entry to the end of its alias chain, then merges on the way back. */
function resolveChain(
  start: string,
  entries: ReadonlyMap<string, SourceEntry>,
  done: Map<string, Provider | undefined>,
  problems: CatalogueProblem[],
): void {
  const chain: string[] = []
  const seen = new Set<string>()
  let id: string | undefined = start
  while (id !== undefined && !done.has(id)) {
    const source = entries.get(id)
    if (!source || seen.has(id)) {
      problems.push(describeBrokenChain(chain, id, entries))
      for (const member of chain) done.set(member, undefined)
      return
    }
    chain.push(id)
    seen.add(id)
    id = source.entry.alias
  }
  let base = id === undefined ? {} : done.get(id)
  for (const member of chain.toReversed()) {
    base = mergeEntry(member, base, entries.get(member) as SourceEntry, problems)
    done.set(member, base as Provider | undefined)
  }
}

function mergeEntry(
  id: string,
  base: Partial<Provider> | undefined,
  source: SourceEntry,
  problems: CatalogueProblem[],
): Provider | undefined {
  // What the alias leads to is broken and has been reported there.
  if (!base) return undefined
  const merged: Partial<Provider> = { ...base, ...source.entry }
  if (merged.auth_mode !== undefined) return merged as Provider
  problems.push(problemAt(id, source, "auth_mode", "is required"))
  return undefined
}

function describeBrokenChain(chain: string[], id: string, entries: ReadonlyMap<string, SourceEntry>): CatalogueProblem {
  const last = chain.at(-1) as string
  const source = entries.get(last) as SourceEntry
  if (!entries.has(id)) return problemAt(last, source, "alias", `names "${id}", which is not in the catalogue`)
  const circle = [...chain.slice(chain.indexOf(id)), id].join(" → ")
  return problemAt(last, source, "alias", `goes round in a circle: ${circle}`)
}

const problemAt = (provider: string, source: SourceEntry, field: string, message: string): CatalogueProblem => ({
  file: source.file,
  line: source.lineOf?.([field]),
  provider,
  field,
  message,
})
