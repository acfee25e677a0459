import { inspectProvider } from "./check.ts"
import { brokenIds, type Layer, layerOf, type Origin } from "./layer.ts"
import { combine } from "./layers.ts"
import type { CatalogueProblem, CatalogueWarning, Source } from "./source.ts"

/**
 * A layer of somebody else's entries, each held against the rules with its alias resolved over `below`. Who wrote it is
 * told all that is wrong, and only what cannot be used is left out.
 */
export function judgeForeign(source: Source, origin: Origin, below: readonly Layer[]): Layer {
  const layer = layerOf(source, origin)
  const { problems, warnings } = applyRules(source, layer, below)
  for (const { provider } of problems) layer.rows.delete(provider as string)
  const all = [...layer.problems, ...problems]
  return {
    ...layer,
    problems: all,
    warnings: [...layer.warnings, ...warnings],
    broken: brokenIds({ problems: all, entries: new Map([...source.entries].filter(([id]) => layer.rows.has(id))) }),
  }
}

/** What breaks a rule: `problems` make an entry useless, `warnings` do not. */
function applyRules(source: Source, layer: Layer, below: readonly Layer[]) {
  const problems: CatalogueProblem[] = []
  const warnings: CatalogueWarning[] = []
  const all = combine([...below, layer])
  for (const [id, { file, lineOf }] of source.entries) {
    const provider = all.make(id)
    if (!provider) continue
    for (const { path, message, fatal, advice } of inspectProvider(provider)) {
      const found = { file, line: lineOf(path), provider: id, field: path.join("."), message }
      if (fatal) problems.push(found)
      else warnings.push(advice ? found : { ...found, rule: true })
    }
  }
  return { problems, warnings }
}

/** Everything that is wrong with our own files, aliases included. */
export function problemsOfOwn(source: Source): CatalogueProblem[] {
  const layer = layerOf(source, "built-in")
  const { problems, warnings } = applyRules(source, layer, [])
  return [
    ...combine([layer]).problems,
    ...problems,
    ...warnings.flatMap(({ rule, ...problem }) => (rule ? [problem] : [])),
  ]
}
