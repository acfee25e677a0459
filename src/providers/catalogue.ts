import { cacheKey, readCache, writeCache } from "./cache.ts"
import { judgeForeign } from "./judge.ts"
import { emptyLayer, type Layer, layerOf, type Origin, origins, unpackLayer } from "./layer.ts"
import { combine, type Layers } from "./layers.ts"
import { providerFaults, type Provider } from "./model.ts"
import { describeProblem, readEntries, readFiles, readSource } from "./source.ts"
import type { CatalogueProblem, CatalogueWarning } from "./source.ts"

/** All providers, aliases resolved, in the order of their ids. Providers are shared: treat them as read-only. */
export type Catalogue = {
  find(name: string): Provider | undefined
  /** Throws `unknown_provider_template`. */
  get(name: string): Provider
  names(): string[]
  list(): { name: string; provider: Provider }[]
  /** Which origin's entry a name stands for, and where that is written. */
  whereIs(name: string): { origin: Origin; file: string; line?: number } | undefined
  /** Entries that are left out, each with its reason. */
  readonly problems: CatalogueProblem[]
  readonly warnings: CatalogueWarning[]
  layer(origin: Origin): Layer
  /** What there would be with this layer in place of the present one of its origin. */
  preview(layer: Layer): Layers
  /** The operator's files as they are now; a problem without a provider makes them useless as a whole. */
  reread(): Promise<Layer>
  /** Puts a layer there: whoever asks from now on gets the new entries. */
  replace(layer: Layer): void
}

export type CatalogueInput = {
  /** What `compileCatalogue` made. Trusted: it was checked when it was built. */
  embedded?: Uint8Array
  /** Folder of our own files, read when nothing is embedded (from the source tree). */
  folder?: string
  /** The operator's folder of `<id>.yaml` files, or one file that maps ids to entries. Replaces ours, entry by entry. */
  extra?: string
  /** Where the compiled form of `extra` may be kept, so that a large file is only read once. */
  cache?: string
}

/**
 * Loads the catalogue. An entry of the operator's that cannot be used is left out and stands in `problems`. Throws
 * `invalid_provider_catalogue` when `extra` is no catalogue at all, or one of our own files is wrong; each problem has
 * its file, line and field.
 */
export async function loadCatalogue(input: CatalogueInput): Promise<Catalogue> {
  const own = await readOwn(input)
  const extra = await readExtra(input, own)
  refuseProblems(extra.problems.filter(({ provider }) => provider === undefined))
  return createCatalogue([own, extra, emptyLayer("api")], () => readExtra(input, own))
}

async function readOwn({ embedded, folder }: CatalogueInput): Promise<Layer> {
  if (embedded) return unpackLayer(embedded, "built-in")
  if (folder === undefined) return emptyLayer("built-in")
  const layer = layerOf(await readSource(folder, "own"), "built-in")
  refuseProblems(combine([layer]).problems)
  return layer
}

/** The operator's layer, from the cache when the files are as they were. What is no catalogue is an empty one with problems. */
async function readExtra({ extra, cache, embedded }: CatalogueInput, own: Layer): Promise<Layer> {
  if (extra === undefined) return emptyLayer("file")
  const read = await readFiles(extra)
  const key = cache === undefined ? "" : cacheKey(read.files, embedded)
  const known = cache === undefined ? undefined : await readCache(cache, key)
  if (known) return known
  const layer = judgeForeign(readEntries(read, "foreign"), "file", [own])
  const isWhole = layer.problems.every(({ provider }) => provider !== undefined)
  return cache === undefined || !isWhole ? layer : writeCache(cache, key, layer)
}

/** Throws one error that tells all problems; does nothing when there are none. */
export function refuseProblems(problems: CatalogueProblem[]): void {
  if (problems.length === 0) return
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`
  const lines = problems.map((problem) => `  ${describeProblem(problem)}`)
  throw providerFaults.invalid_provider_catalogue({
    message: [`The provider catalogue has ${count}:`, ...lines].join("\n"),
    payload: { problems },
    hint: "Correct the lines named above and start again.",
  })
}

function createCatalogue(layers: Layer[], reread: () => Promise<Layer>): Catalogue {
  let current = combine(layers)
  const withLayer = (layer: Layer) => layers.map((old) => (old.origin === layer.origin ? layer : old))
  return {
    find: (name) => current.find(name),
    get: (name) => {
      const provider = current.find(name)
      if (provider) return provider
      throw providerFaults.unknown_provider_template({ message: `Unknown provider ${name}` })
    },
    names: () => [...current.names],
    list: () => current.names.map((name) => ({ name, provider: current.make(name) as Provider })),
    whereIs: (name) => {
      const place = current.whereIs(name)
      return place && { origin: place.layer.origin, file: place.row.file, line: place.row.line }
    },
    get problems() {
      return current.problems
    },
    get warnings() {
      return current.warnings
    },
    layer: (origin) => layers[origins.indexOf(origin)] as Layer,
    reread,
    preview: (layer) => combine(withLayer(layer)),
    replace: (layer) => {
      layers = withLayer(layer)
      current = combine(layers)
    },
  }
}
