import { siteOf } from "../kit/site.ts"
import type { Provider } from "../providers/model.ts"
import { hostsIn, type TemplateScope } from "../providers/template.ts"
import { authFaults } from "./faults.ts"
import type { AuthCtx, AuthTarget } from "./mode.ts"
import { renderUrl, scopeOf } from "./scope.ts"

/**
 * The URL to which a client's secret is sent. A value in its host that nobody types, because the provider tells it by way
 * of the browser, could be anybody's who follows a link: such a host must be one of the entry's `token_hosts`, or one of the
 * site at which people allow access. A field with a fixed list of values must hold one of them. What a person is asked to
 * type, such as the address of a server of their own, is the owner's choice of provider. Throws `url_param_err`.
 */
export function tokenUrl(ctx: AuthCtx, target: AuthTarget, template: string, scope: TemplateScope): URL {
  const url = renderUrl(template, scope)
  const { provider, connectionConfig } = target
  const loose = looseNames(template)
  if (loose.length === 0) return url
  const { token_hosts: named = [] } = provider
  const isOwn = () => isSealed(provider, url) && [...named, ...sitesOf(ctx, target)].some((site) => isWithin(url, site))
  const isTyped = named.length === 0 && !loose.some((name) => isTold(provider, name))
  if (isTyped ? loose.every((name) => isListed(provider, connectionConfig, name)) : isOwn()) return url
  throw authFaults.url_param_err({
    message: `Tokens of this provider are not asked for at ${url.hostname}. If it is one of its hosts, name it in token_hosts of the provider's entry.`,
  })
}

/** Members of the configuration that decide the host of a URL, beyond a part before a domain that the template fixes. */
function looseNames(template: string): string[] {
  const loose = hostsIn(template).filter(({ tail }) => siteOf(tail.slice(tail.indexOf(".") + 1)) === undefined)
  return loose.flatMap(({ names }) => names).map((name) => name.replace(/^connectionConfig\./, ""))
}

const isTold = (provider: Provider, name: string): boolean =>
  provider.connection_config?.[name]?.automated === true ||
  [...(provider.redirect_uri_metadata ?? []), ...(provider.token_response_metadata ?? [])].includes(name)

function isListed({ connection_config }: Provider, config: Record<string, unknown>, name: string): boolean {
  const { enum: list } = connection_config?.[name] ?? {}
  return (
    list === undefined || config[name] === undefined || config[name] === "" || list.includes(config[name] as string)
  )
}

/** The sites of the authorization URL, as far as nobody but the entry, or the person who typed their server, chose them. */
function sitesOf(ctx: AuthCtx, target: AuthTarget): string[] {
  const sides = (target.provider.authorization_url ?? "").split("||").map((side) => side.trim())
  return sides.flatMap((side) => {
    const isOpen = looseNames(side).some((name) => isTold(target.provider, name) || hasList(target.provider, name))
    if (side === "" || isOpen) return []
    const { hostname } = renderUrl(side, scopeOf(ctx, target))
    return siteOf(hostname) ?? hostname
  })
}

const hasList = (provider: Provider, name: string) => provider.connection_config?.[name]?.enum !== undefined

const isWithin = ({ hostname }: URL, site: string): boolean => hostname === site || hostname.endsWith(`.${site}`)

/** Nobody but an entry that does without itself (a test server) may take the encryption away. */
const isSealed = ({ authorization_url = "" }: Provider, { protocol }: URL): boolean =>
  protocol === "https:" || authorization_url.includes("http://")
