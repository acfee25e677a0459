import { z } from "zod"
import type { App } from "../app/context.ts"
import { keyEndpoint, openEndpoint } from "../http/endpoint.ts"
import { ScriptName, UniqueKey } from "../kit/shapes.ts"
import { type Provider, providerFaults } from "./model.ts"

const show = (app: App, name: string, provider: Provider) => ({
  ...provider,
  name,
  logo_url: `${app.serverUrl()}/images/template-logos/${name}.svg`,
})

/** The catalogue is public: it takes a key, but no scope. */
const anyKey: string[] = []
const OneProvider = z.object({ provider: ScriptName })

export const providerRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/providers",
    summary: "The catalogue",
    scope: anyKey,
    sessions: true,
    query: z.strictObject({ search: UniqueKey.optional() }),
    handle: (ctx, { query }) => {
      // Of the characters that a search may have only the dot means something to an expression.
      const wanted = new RegExp(query.search ?? "", "i")
      const found = ctx.catalogue.list().filter(({ name }) => wanted.test(name))
      return { data: found.map(({ name, provider }) => show(ctx, name, provider)) }
    },
  }),
  keyEndpoint({
    method: "GET",
    path: "/providers/:provider",
    summary: "One entry of the catalogue",
    scope: anyKey,
    sessions: true,
    params: OneProvider,
    handle: (ctx, { params }) => {
      const provider = ctx.catalogue.find(params.provider)
      if (!provider) throw providerFaults.not_found({ message: `Unknown provider ${params.provider}` })
      return { data: show(ctx, params.provider, provider) }
    },
  }),
  keyEndpoint({
    method: "GET",
    path: "/providers/:provider/templates",
    summary: "Ready-made functions of a provider; sluice ships none",
    scope: anyKey,
    params: OneProvider,
    handle: () => ({ data: [] }),
  }),
  openEndpoint({
    method: "GET",
    path: "/providers.json",
    summary: "The catalogue by name, for anybody",
    points: 1,
    ignoreQuery: true,
    handle: (app) => Object.fromEntries(app.catalogue.list().map(({ name, provider }) => [name, provider])),
  }),
]
