import type { CatalogueProblem } from "./source.ts"

/** What is known of an entry without parsing it. */
export type EntryRow = {
  alias?: string
  /** It names its auth mode itself. */
  mode: boolean
  file: string
  line?: number
  aliasLine?: number
}

/**
 * Finds the entries whose alias chain ends well, whatever their order. Circles, unknown names and an auth mode that
 * comes from nowhere are problems, reported once, at the entry that causes them; `undefined` stands for an entry that is
 * left out because it was reported before.
 */
export function resolveAliases(rows: ReadonlyMap<string, EntryRow | undefined>): {
  good: Set<string>
  problems: CatalogueProblem[]
} {
  /** Whether an entry is good, once that is known. */
  const done = new Map<string, boolean>()
  const problems: CatalogueProblem[] = []
  for (const [id, row] of rows) if (!row) done.set(id, false)
  for (const id of rows.keys()) followChain(id, rows, done, problems)
  return { good: new Set([...done].filter(([, isGood]) => isGood).map(([id]) => id)), problems }
}

/** Walks from an entry to the end of its alias chain, or to one that was looked at before, and judges all on the way. */
function followChain(
  start: string,
  rows: ReadonlyMap<string, EntryRow | undefined>,
  done: Map<string, boolean>,
  problems: CatalogueProblem[],
): void {
  const chain: string[] = []
  const seen = new Set<string>()
  let id: string | undefined = start
  while (id !== undefined && !done.has(id)) {
    const row = rows.get(id)
    if (!row || seen.has(id)) {
      problems.push(describeBrokenChain(chain, id, rows))
      for (const member of chain) done.set(member, false)
      return
    }
    chain.push(id)
    seen.add(id)
    id = row.alias
  }
  // Whoever stands at the end of a good chain has a mode, so all before it have one too.
  let isGood = id === undefined ? undefined : done.get(id)
  for (const member of chain.toReversed()) {
    const row = rows.get(member) as EntryRow
    if (isGood === undefined && !row.mode) {
      const { file, line } = row
      problems.push({ file, line, provider: member, field: "auth_mode", message: "is required" })
    }
    isGood ??= row.mode
    done.set(member, isGood)
  }
}

function describeBrokenChain(
  chain: string[],
  id: string,
  rows: ReadonlyMap<string, EntryRow | undefined>,
): CatalogueProblem {
  const last = chain.at(-1) as string
  const { file, aliasLine: line } = rows.get(last) as EntryRow
  const circle = [...chain.slice(chain.indexOf(id)), id].join(" → ")
  const message = rows.has(id) ? `goes round in a circle: ${circle}` : `names "${id}", which is not in the catalogue`
  return { file, line, provider: last, field: "alias", message }
}
