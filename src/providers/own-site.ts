import { siteOf } from "../kit/site.ts"
import type { TokenExchange } from "./exchange.ts"
import type { ConnectionLookup } from "./lookup.ts"
import type { Provider } from "./model.ts"

/*
 * Recipes go by a public name or id and hold addresses of the provider that is known by it. An operator's entry of that
 * name may lead somewhere else: to a test server, a gateway, a cloud of its own. Then nothing may go to an address
 * that the entry does not know: what a recipe asks elsewhere is asked where the entry leads. What an alias takes over
 * from an entry that leads elsewhere is treated in the same way.
 */

const origin = /^https?:\/\/[^/?#|\s]+/i

/** Whether a URL that a recipe names is at a site of the entry; one whose host is filled in comes from the entry anyway. */
function isOwn(provider: Provider, url: string): boolean {
  const [at] = origin.exec(url) ?? []
  if (at === undefined || at.includes("${")) return true
  const { authorization_url, token_url, refresh_url, proxy } = provider
  const tokenUrls = typeof token_url === "object" ? Object.values(token_url) : [token_url]
  const known = [authorization_url, refresh_url, proxy?.base_url, ...tokenUrls].join(" ")
  const hosts = known.match(/https?:\/\/[^/?#|\s]+/gi) ?? []
  return hosts.map(siteAt).includes(siteAt(at))
}

const siteAt = (text: string): string | undefined => siteOf(text.replace(/^.*\/\//, ""))

/** A step of a recipe without an address that is not the entry's own: the API's base URL then counts. */
export function atOwnBase<S extends { base_url_override?: string }>(provider: Provider, step: S): S {
  const { base_url_override, ...rest } = step
  return base_url_override === undefined || isOwn(provider, base_url_override) ? step : (rest as S)
}

/** The same for each step of what is looked up. */
export const stepsAtOwnBase = (provider: Provider, steps: readonly ConnectionLookup[]): ConnectionLookup[] =>
  steps.map((step) => (step.request ? { ...step, request: atOwnBase(provider, step.request) } : step))

/** The same for what an alias takes over: `own` is what it says itself. */
export function inheritedAtOwnBase(provider: Provider, own: Partial<Provider>): Provider {
  const { revocation, post_connection: steps } = provider
  return {
    ...provider,
    ...(revocation && !own.revocation ? { revocation: atOwnBase(provider, revocation) } : {}),
    ...(steps && !own.post_connection ? { post_connection: stepsAtOwnBase(provider, steps) } : {}),
  }
}

/** An exchange of a recipe whose URLs lead to the host of the entry's token URL when they are not the entry's own. */
export function atOwnToken<E extends TokenExchange>(provider: Provider, exchange: E): E {
  const { url, then } = exchange
  return {
    ...exchange,
    ...(url === undefined ? {} : { url: ownTokenUrl(provider, url) }),
    ...(then?.url === undefined ? {} : { then: { ...then, url: ownTokenUrl(provider, then.url) } }),
  }
}

export function ownTokenUrl(provider: Provider, url: string): string {
  const { token_url } = provider
  const [at] = origin.exec((typeof token_url === "object" ? token_url.OAUTH2 : token_url) ?? "") ?? []
  return at === undefined || isOwn(provider, url) ? url : url.replace(origin, () => at)
}
