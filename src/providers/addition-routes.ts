import { z } from "zod"
import type { App } from "../app/context.ts"
import { keyEndpoint, reply } from "../http/endpoint.ts"
import { deleteProvider, listAdditions, putProvider, reloadProviders } from "./additions.ts"
import { origins } from "./layer.ts"
import { providerIdPattern } from "./model.ts"

/** They change what all environments see. */
const read = "account:providers:read"
const write = "account:providers:write"
const OneAddition = z.object({ name: z.string().max(255).regex(providerIdPattern) })

async function describeCatalogue(app: App, wanted?: (typeof origins)[number]) {
  const { catalogue } = app
  const additions = new Map((await listAdditions(app)).map((row) => [row.name, row]))
  const all = catalogue.names().map((name) => ({ name, ...catalogue.whereIs(name) }))
  const data = all
    .filter(({ origin }) => wanted === undefined || origin === wanted)
    .map((place) => {
      const addition = place.origin === "api" ? additions.get(place.name) : undefined
      if (!addition) return place
      const { entry, created_at, updated_at } = addition
      return {
        ...place,
        entry: JSON.parse(entry) as unknown,
        created_at: new Date(created_at).toISOString(),
        updated_at: new Date(updated_at).toISOString(),
      }
    })
  return { data, problems: catalogue.problems, warnings: catalogue.warnings }
}

export const additionRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/sluice/providers",
    summary: "Where each provider comes from, what is left out and why",
    scope: read,
    query: z.strictObject({ origin: z.enum(origins).optional() }),
    handle: (ctx, { query }) => describeCatalogue(ctx, query.origin),
  }),
  keyEndpoint({
    method: "PUT",
    path: "/sluice/providers/:name",
    summary: "Adds a provider, or replaces one; the body is its entry in JSON or YAML",
    scope: write,
    params: OneAddition,
    rawBody: (app) => app.config.bodyLimitBytes,
    handle: async (ctx, { params, bytes }) => {
      const warnings = await putProvider(ctx, params.name, new TextDecoder().decode(bytes))
      return { data: { name: params.name, ...ctx.catalogue.whereIs(params.name) }, warnings }
    },
  }),
  keyEndpoint({
    method: "DELETE",
    path: "/sluice/providers/:name",
    summary: "Takes an added provider away",
    scope: write,
    params: OneAddition,
    handle: async (ctx, { params }) => {
      await deleteProvider(ctx, params.name)
      return reply(204)
    },
  }),
  keyEndpoint({
    method: "POST",
    path: "/sluice/providers/reload",
    summary: "Reads the files of SLUICE_PROVIDERS again",
    scope: write,
    handle: async (ctx) => {
      await reloadProviders(ctx)
      const { problems, warnings } = ctx.catalogue
      return { data: { providers: ctx.catalogue.names().length }, problems, warnings }
    },
  }),
]
