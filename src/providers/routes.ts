import { z } from "zod"
import type { App } from "../app/context.ts"
import { keyEndpoint, openEndpoint } from "../http/endpoint.ts"
import { avatarColor, initials } from "../pages/shared/initials.ts"
import { ScriptName, UniqueKey } from "../kit/shapes.ts"
import { type Provider, providerFaults } from "./model.ts"

const show = (app: App, name: string, provider: Provider) => ({
  ...provider,
  name,
  logo_url: `${app.serverUrl()}/images/template-logos/${name}.svg`,
})

const logoHeaders = {
  "content-type": "image/svg+xml",
  "content-security-policy": "default-src 'none'",
  "cache-control": "public, max-age=86400",
}

/** The same letters and colour as the Connect page draws. */
const drawLogo = (name: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="${avatarColor(name)}"/><text x="32" y="33" fill="#fff" font-family="system-ui, sans-serif" font-size="26" font-weight="600" text-anchor="middle" dominant-baseline="central">${initials(name)}</text></svg>`

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
    path: "/images/template-logos/:file",
    summary: "A picture for a provider: its initials, because logos are trademarks",
    ignoreQuery: true,
    params: z.object({ file: z.string() }),
    handle: (app, { params }) => {
      const name = /^([a-z0-9-]+)\.svg$/.exec(params.file)?.[1]
      const provider = name === undefined ? undefined : app.catalogue.find(name)
      if (!provider) throw providerFaults.not_found()
      return new Response(drawLogo(provider.display_name), { headers: logoHeaders })
    },
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
