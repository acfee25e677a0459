import { type EntryRow, resolveAliases } from "./aliases.ts"
import type { Layer } from "./layer.ts"
import { withExchangeRecipe } from "./exchange.ts"
import type { Provider } from "./model.ts"
import { inheritedAtOwnBase } from "./own-site.ts"
import type { CatalogueProblem, CatalogueWarning } from "./source.ts"

/** All layers together: what a name means, and what is wrong. Never changes; a new one is made when a layer does. */
export type Layers = {
  find: (name: string) => Provider | undefined
  /** A fresh copy that nothing keeps: for whoever goes through all of them. */
  make: (name: string) => Provider | undefined
  /** Sorted. */
  names: readonly string[]
  whereIs: (name: string) => { layer: Layer; row: EntryRow } | undefined
  /** What is left out, each with its reason. */
  problems: CatalogueProblem[]
  warnings: CatalogueWarning[]
}

/** Puts layers over one another, later ones on top: a shallow merge along each alias chain, wherever its entries stand. */
export function combine(layers: readonly Layer[]): Layers {
  const places = new Map<string, { layer: Layer; row: EntryRow } | undefined>()
  for (const layer of layers) {
    for (const id of layer.broken) places.set(id, undefined)
    for (const [id, row] of layer.rows) places.set(id, { layer, row })
  }
  const rows = new Map([...places].map(([id, place]) => [id, place?.row]))
  const { good, problems } = resolveAliases(rows)
  const kept = new Map<string, Provider>()
  const make = (name: string): Provider | undefined => {
    if (!good.has(name)) return undefined
    const ids: string[] = []
    for (let id: string | undefined = name; id !== undefined; id = rows.get(id)?.alias) ids.push(id)
    const chain = ids.map((id): Partial<Provider> => places.get(id)?.layer.read(id) ?? {})
    const merged = chain.reduceRight((base, entry) => ({ ...base, ...entry }), {}) as Provider
    const [own = {}, ...others] = chain
    return withExchangeRecipe(ids, others.length > 0 ? inheritedAtOwnBase(merged, own) : merged)
  }
  return {
    find: (name) => {
      const known = kept.get(name)
      if (known) return known
      const made = make(name)
      if (made) kept.set(name, made)
      return made
    },
    make: (name) => kept.get(name) ?? make(name),
    names: [...good].toSorted(),
    whereIs: (name) => (good.has(name) ? places.get(name) : undefined),
    problems: [...layers.flatMap((layer) => layer.problems), ...problems],
    warnings: layers.flatMap((layer) => layer.warnings),
  }
}
