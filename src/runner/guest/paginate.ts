import { readOptions, refuse } from "./arguments.ts"
import { SdkError } from "./errors.ts"
import type { HttpResponse } from "./errors.ts"
import type { SendHttp } from "./http.ts"
import { readRequest } from "./request.ts"
import type { HttpConfig } from "./request.ts"
import { parseLinkHeader } from "./links.ts"
import { expandDots, getPath } from "./paths.ts"

type Pagination = Record<string, unknown> & { type?: unknown }
type Bag = Record<string, unknown>
type Page = { response: HttpResponse; items: unknown }
type OnPage = (page: { nextPageParam: unknown; response: HttpResponse }) => unknown

/** Everything one walk through the pages needs. `config` is the caller's own object, reused and changed as it goes. */
type Walk = {
  config: HttpConfig
  options: Pagination
  bag: Bag
  inBody: boolean
  apply: () => void
  fetchPage: () => Promise<Page>
  onPage: (nextPageParam: unknown, response: HttpResponse) => Promise<void>
}

/**
 * Walks the pages of an endpoint: cursor, link or offset, by the provider's defaults under the call's own settings.
 * @param defaults the provider's pagination; null when it has none, undefined when the provider is unknown
 * @yields the items of each page
 */
export async function* paginate(
  config: HttpConfig,
  send: SendHttp,
  defaults: Record<string, unknown> | null | undefined,
): AsyncGenerator<unknown, undefined, void> {
  const walk = prepare(config, send, defaults)
  if (walk.options.type === "cursor") yield* byCursor(walk)
  else if (walk.options.type === "link") yield* byLink(walk)
  else yield* byOffset(walk)
  return undefined
}

function prepare(config: HttpConfig, send: SendHttp, defaults: Record<string, unknown> | null | undefined): Walk {
  if (defaults === undefined) {
    throw new SdkError("unknown_provider_template_in_config", "The provider of this integration is not known")
  }
  const own = readOptions(readRequest(config).paginate, '"paginate"') as Pagination
  if (!defaults && !own.type)
    throw new Error("nango.paginate: there is no pagination configuration for this provider or this call")
  const options: Pagination = { ...defaults, ...own }
  validate(options)
  config.method ??= "GET"
  const method = String(config.method).toUpperCase()
  const inBody = typeof own.in_body === "boolean" ? own.in_body : ["POST", "PUT", "PATCH"].includes(method)
  const bag = ((inBody ? config.data : config.params) ?? {}) as Bag
  const sets = options.limit || options.type !== "link"
  if (sets && typeof bag !== "object") throw refuse(`${inBody ? '"data"' : '"params"'} must be an object here`)
  if (options.limit) bag[String(options.limit_name_in_request)] = options.limit
  const path = text(options.response_path)
  return {
    config,
    options,
    bag,
    inBody,
    apply() {
      if (inBody) config.data = expandDots(bag)
      else config.params = bag
    },
    async fetchPage() {
      const response = await send(config)
      return { response, items: path ? getPath(response.data, path) : response.data }
    },
    async onPage(nextPageParam, response) {
      if (typeof options.on_page === "function") await (options.on_page as OnPage)({ nextPageParam, response })
    },
  }
}

function validate(options: Pagination): void {
  const need = (name: string) => {
    if (!options[name]) throw new Error(`nango.paginate: pagination by ${String(options.type)} needs "${name}"`)
  }
  if (options.type === "cursor") {
    need("cursor_name_in_request")
    need("cursor_path_in_response")
    if (options.limit) need("limit_name_in_request")
    return
  }
  if (options.type === "offset") return need("offset_name_in_request")
  if (options.type !== "link")
    throw new Error(`nango.paginate: "${String(options.type)}" is not a pagination type (cursor, link, offset)`)
  if (options.link_rel_in_response_header || options.link_path_in_response_body) return
  throw new Error(
    'nango.paginate: pagination by link needs "link_rel_in_response_header" or "link_path_in_response_body"',
  )
}

async function* byCursor(walk: Walk): AsyncGenerator {
  let cursor: string | number | undefined
  while (true) {
    if (cursor !== undefined) walk.bag[String(walk.options.cursor_name_in_request)] = cursor
    walk.apply()
    const { response, items } = await walk.fetchPage()
    if (lengthOf(items) === 0) return
    yield items
    cursor = asCursor(getPath(response.data, String(walk.options.cursor_path_in_response)))
    await walk.onPage(cursor, response)
    if (cursor === undefined) return
  }
}

function asCursor(value: unknown): string | number | undefined {
  if (typeof value === "number") return value
  if (typeof value !== "string") return undefined
  return value.trim() || undefined
}

async function* byLink(walk: Walk): AsyncGenerator {
  const { config, options } = walk
  walk.apply()
  let previous: unknown
  while (true) {
    const { response, items } = await walk.fetchPage()
    yield items
    const next = nextLink(response, options)
    await walk.onPage(next, response)
    if (!next || next === previous) return
    previous = next
    const url = URL.canParse(String(next)) ? new URL(String(next)) : undefined
    if (url) config.baseUrlOverride = url.origin
    config.endpoint = url ? url.pathname + url.search : String(next)
    delete config.params
  }
}

function nextLink(response: HttpResponse, options: Pagination): unknown {
  const rel = text(options.link_rel_in_response_header)
  const linked = rel ? parseLinkHeader(response.headers.link, rel) : undefined
  if (linked) return linked
  const path = text(options.link_path_in_response_body)
  return path ? getPath(response.data, path) : undefined
}

async function* byOffset(walk: Walk): AsyncGenerator {
  const { options } = walk
  let offset = Number(options.offset_start_value ?? 0) || 0
  while (true) {
    walk.bag[String(options.offset_name_in_request)] = walk.inBody ? offset : String(offset)
    walk.apply()
    const { response, items } = await walk.fetchPage()
    const count = lengthOf(items)
    if (count === 0) return
    yield items
    if (options.limit && count < Number(options.limit)) return
    await walk.onPage(offset, response)
    offset += options.offset_calculation_method === "per-page" ? 1 : count
  }
}

function lengthOf(items: unknown): number {
  if (items === undefined || items === null) return 0
  return Number((items as { length?: unknown }).length) || 0
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined
}
