import { asc, eq } from "drizzle-orm"
import { type App, inTransaction } from "../app/context.ts"
import { judgeForeign } from "./judge.ts"
import type { Layer } from "./layer.ts"
import type { Layers } from "./layers.ts"
import { type ProviderAddition, providerAdditions, providerFaults } from "./model.ts"
import {
  type CatalogueProblem,
  type CatalogueWarning,
  describeProblem,
  readOneEntry,
  type Source,
  sourceOfAdditions,
} from "./source.ts"

export const listAdditions = (app: App): Promise<ProviderAddition[]> =>
  app.db.select().from(providerAdditions).orderBy(asc(providerAdditions.name))

/** Puts the stored entries into the catalogue. One that this program cannot use any more is left out and reported. */
export async function loadAdditions(app: App): Promise<void> {
  const rows = await listAdditions(app)
  if (rows.length > 0) app.catalogue.replace(layerOfRows(app, rows))
}

/**
 * Stores one entry (JSON or YAML) over those of files and our own, at once for everything that runs. Throws
 * `invalid_provider` with every problem, and `invalid_providers` when entries that build on it would break.
 */
export async function putProvider(app: App, name: string, text: string): Promise<CatalogueWarning[]> {
  const source = readOneEntry(text, name)
  refuseEntry([...source.warnings.filter(({ rule }) => rule), ...source.problems])
  const entry = JSON.stringify(source.entries.get(name)?.entry)
  return inTransaction(app, async (ctx) => {
    const now = ctx.now().getTime()
    await ctx.db
      .insert(providerAdditions)
      .values({ name, entry, created_at: now, updated_at: now })
      .onConflictDoUpdate({ target: providerAdditions.name, set: { entry, updated_at: now } })
    const judged = judgeForeign(source, "api", [app.catalogue.layer("built-in"), app.catalogue.layer("file")])
    const layer = layerOfRows(app, await listAdditions(ctx))
    const after = app.catalogue.preview(layer)
    const mine = ({ provider }: CatalogueProblem) => provider === name
    // With its line in the request, where the request has one.
    const own = [...judged.problems, ...after.problems.filter((problem) => mine(problem) && problem.field === "alias")]
    refuseEntry([...own, ...judged.warnings.filter(({ rule }) => rule)])
    await refuseLoss(ctx, after)
    ctx.tx.after(() => app.catalogue.replace(layer))
    return judged.warnings
  })
}

/** Takes an entry away; one of a file or of ours with the same name counts again. Throws `not_found`, `provider_in_use`. */
export async function deleteProvider(app: App, name: string): Promise<void> {
  await inTransaction(app, async (ctx) => {
    const gone = await ctx.db.delete(providerAdditions).where(eq(providerAdditions.name, name)).returning()
    if (gone.length === 0) throw providerFaults.not_found({ message: `No entry "${name}" came through the API` })
    const layer = layerOfRows(app, await listAdditions(ctx))
    await refuseLoss(ctx, app.catalogue.preview(layer))
    ctx.tx.after(() => app.catalogue.replace(layer))
  })
}

/**
 * Reads the operator's files again. Throws `invalid_providers` when something is wrong with them that was not before, and
 * `provider_in_use`; the catalogue then stays as it is.
 */
export async function reloadProviders(app: App): Promise<void> {
  const layer = await app.catalogue.reread()
  await inTransaction(app, async (ctx) => {
    const after = app.catalogue.preview(layer)
    const known = new Set(faultsOf(app.catalogue).map(nameOf))
    refuseCatalogue(faultsOf(after).filter((problem) => !known.has(nameOf(problem))))
    await refuseLoss(ctx, after)
    const rows = await listAdditions(ctx)
    ctx.tx.after(() => {
      app.catalogue.replace(layer)
      // Their aliases may lead into the files.
      app.catalogue.replace(layerOfRows(app, rows))
    })
  })
}

const faultsOf = ({ problems, warnings }: Pick<Layers, "problems" | "warnings">): CatalogueProblem[] => [
  ...problems,
  ...warnings.filter(({ rule }) => rule),
]

/** What a problem is about, wherever it stands: lines move. */
const nameOf = ({ provider, field, message }: CatalogueProblem) => JSON.stringify([provider, field, message])

function layerOfRows(app: App, rows: ProviderAddition[]): Layer {
  const source: Source = sourceOfAdditions(rows)
  return judgeForeign(source, "api", [app.catalogue.layer("built-in"), app.catalogue.layer("file")])
}

function refuseEntry(problems: CatalogueProblem[]): void {
  if (problems.length === 0) return
  const errors = problems.map(({ field = "", message }) => ({
    code: "custom",
    message: field === "" ? message : `${field}: ${message}`,
    path: field === "" ? [] : field.split("."),
  }))
  throw providerFaults.invalid_provider({
    message: errors.map(({ message }) => message).join("\n"),
    errors,
    payload: { problems },
  })
}

function refuseCatalogue(problems: CatalogueProblem[]): void {
  if (problems.length === 0) return
  const message = ["The catalogue stays as it was:", ...problems.map(describeProblem)].join("\n")
  throw providerFaults.invalid_providers({ message, payload: { problems } })
}

/** Throws `provider_in_use` when an integration would lose its provider, `invalid_providers` when another entry would break. */
async function refuseLoss(app: App, after: Layers): Promise<void> {
  const uses = await app.moments.providersUsed(app)
  const present = new Set(app.catalogue.names())
  const kept = new Set(after.names)
  const losers = uses.filter(({ provider }) => present.has(provider) && !kept.has(provider))
  if (losers.length > 0) {
    const list = losers.map(
      ({ provider, environment, integration }) => `${integration} in ${environment} (${provider})`,
    )
    throw providerFaults.provider_in_use({
      message: `Integrations would lose their provider: ${list.join(", ")}`,
      payload: { integrations: losers },
      hint: "Delete these integrations first, or give the provider by another way.",
    })
  }
  const before = new Set(app.catalogue.problems.map(nameOf))
  refuseCatalogue(after.problems.filter((problem) => problem.field === "alias" && !before.has(nameOf(problem))))
}
