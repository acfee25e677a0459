import type { Answer, Call } from "./answers.ts"
import { jsonAnswer, readInt, readObject } from "./answers.ts"
import type { CollectionRef, Collections } from "./collections.ts"
import { changeItem, createItem, deleteItem, findNumber, listNumbers, lowerBound, readItem } from "./collections.ts"
import { fakeErrors } from "./model.ts"

const ROUTE = /^(?:\/(link|cursor|offset|page|next))?\/(?:(items)|collections\/([A-Za-z][\w-]{0,63}))(?:\/([^/]+))?$/
const STYLES = ["link", "cursor", "offset", "page", "next"] as const
type Style = (typeof STYLES)[number]

const MAX_LIMIT = 10_000
const DEFAULT_LIMIT = 30

type List = {
  all: Collections
  call: Call
  ref: CollectionRef
  numbers: readonly number[]
  sizeBytes: number
}

/** Answers `/items`, `/collections/<name>` and their paging twins (`/cursor/items`, …); else `undefined`. */
export function answerCollections(all: Collections, call: Call): Answer | undefined {
  const match = ROUTE.exec(call.path)
  if (!match) return undefined
  const [, style, items, name, id] = match
  const count = call.query.has("count") ? readInt(call.query, "count", 0, 0, 5_000_000) : undefined
  const ref = { name: items ?? name ?? "items", count }
  const sizeBytes = readInt(call.query, "size", all.settings.itemBytes, 0, 1_000_000)
  if (id !== undefined) return answerItem(all, call, ref, id, sizeBytes)
  if (call.method === "POST") return answerCreate(all, call, ref, sizeBytes)
  if (call.method !== "GET" && call.method !== "HEAD") return notAllowed("GET, HEAD, POST")

  const list = {
    all,
    call,
    ref,
    sizeBytes,
    numbers: listNumbers(all, ref, readSince(call)),
  }
  return PAGES[readStyle(style ?? call.query.get("paging") ?? "link")](list)
}

function readStyle(text: string): Style {
  const style = STYLES.find((known) => known === text)
  if (!style)
    throw fakeErrors.invalid_parameter({
      message: `paging must be one of ${STYLES.join(", ")}`,
    })
  return style
}

function readSince(call: Call): number | undefined {
  const text = call.query.get("updated_since")
  if (text === null) return undefined
  const since = Date.parse(text)
  if (Number.isNaN(since))
    throw fakeErrors.invalid_parameter({
      message: "updated_since must be a date",
    })
  return since
}

function answerItem(all: Collections, call: Call, ref: CollectionRef, id: string, sizeBytes: number): Answer {
  const number = findNumber(all, ref, id)
  if (call.method === "DELETE") {
    deleteItem(all, ref, number)
    return { status: 204 }
  }
  if (call.method === "PUT" || call.method === "PATCH") {
    changeItem(all, ref, number, {
      fields: readObject(call),
      whole: call.method === "PUT",
    })
  } else if (call.method !== "GET" && call.method !== "HEAD") {
    return notAllowed("GET, HEAD, PUT, PATCH, DELETE")
  }
  return jsonAnswer(200, readItem(all, ref, number, sizeBytes))
}

function answerCreate(all: Collections, call: Call, ref: CollectionRef, sizeBytes: number): Answer {
  const item = readItem(all, ref, createItem(all, ref, readObject(call)), sizeBytes)
  return jsonAnswer(201, item, {
    location: `${call.base}${call.path}/${item.id}`,
  })
}

function notAllowed(allow: string): Answer {
  return jsonAnswer(405, { error: { code: "method_not_allowed", message: `Use ${allow}.` } }, { allow })
}

function itemsOf({ all, ref, sizeBytes, numbers }: List, start: number, limit: number) {
  return numbers.slice(start, start + limit).map((number) => readItem(all, ref, number, sizeBytes))
}

function urlWith(call: Call, changes: Record<string, string | number>): string {
  const query = new URLSearchParams(call.query)
  for (const [name, value] of Object.entries(changes)) query.set(name, String(value))
  return `${call.base}${call.path}?${query.toString()}`
}

function readPage({ call, numbers }: List, limitNames: readonly string[]) {
  const limitName = limitNames.find((name) => call.query.has(name)) ?? limitNames[0] ?? "limit"
  const limit = readInt(call.query, limitName, DEFAULT_LIMIT, 1, MAX_LIMIT)
  const page = readInt(call.query, "page", 1, 1, Number.MAX_SAFE_INTEGER)
  return { limit, page, pages: Math.max(1, Math.ceil(numbers.length / limit)) }
}

/** A list, and where to go on in the Link header (RFC 8288), as GitHub does. */
function pageByLink(list: List): Answer {
  const { limit, page, pages } = readPage(list, ["per_page", "limit"])
  const links: [string, number][] = []
  if (page > 1) links.push(["prev", Math.min(page - 1, pages)], ["first", 1])
  if (page < pages) links.push(["next", page + 1], ["last", pages])
  const link = links.map(([rel, to]) => `<${urlWith(list.call, { page: to })}>; rel="${rel}"`).join(", ")
  const headers = {
    "x-total-count": String(list.numbers.length),
    ...(link === "" ? {} : { link }),
  }
  return jsonAnswer(200, itemsOf(list, (page - 1) * limit, limit), headers)
}

/** The cursor names the last item that was given, so changes between two pages neither skip nor repeat one. */
function pageByCursor(list: List): Answer {
  const { call, numbers } = list
  const limit = readInt(call.query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
  const name = call.query.has("after") ? "after" : "cursor"
  const cursor = call.query.get(name)
  const start = cursor === null || cursor === "" ? 0 : lowerBound(numbers, readCursor(cursor) + 1)
  const last = numbers[start + limit - 1]
  const data = itemsOf(list, start, limit)
  if (last === undefined || start + limit >= numbers.length) {
    return jsonAnswer(200, { data, has_more: false, next_cursor: null })
  }
  const after = Buffer.from(`after:${last}`).toString("base64url")
  const paging = { next: { after, link: urlWith(call, { [name]: after }) } }
  return jsonAnswer(200, { data, has_more: true, next_cursor: after, paging })
}

function readCursor(cursor: string): number {
  const match = /^after:(\d+)$/.exec(Buffer.from(cursor, "base64url").toString())
  if (!match)
    throw fakeErrors.invalid_parameter({
      message: "the cursor is not one that this server gave",
    })
  return Number(match[1])
}

function pageByOffset(list: List): Answer {
  const limit = readInt(list.call.query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
  const offset = readInt(list.call.query, "offset", 0, 0, Number.MAX_SAFE_INTEGER)
  return jsonAnswer(200, {
    data: itemsOf(list, offset, limit),
    total: list.numbers.length,
    limit,
    offset,
  })
}

function pageByNumber(list: List): Answer {
  const { limit, page, pages } = readPage(list, ["per_page", "limit"])
  const data = itemsOf(list, (page - 1) * limit, limit)
  return jsonAnswer(200, {
    data,
    page,
    per_page: limit,
    total: list.numbers.length,
    total_pages: pages,
  })
}

/** The URL of the next page stands in the body; `null` at the end. */
function pageByBodyLink(list: List): Answer {
  const { limit, page, pages } = readPage(list, ["per_page", "limit"])
  const next = page < pages ? urlWith(list.call, { page: page + 1 }) : null
  return jsonAnswer(200, {
    data: itemsOf(list, (page - 1) * limit, limit),
    next,
  })
}

const PAGES: Record<Style, (list: List) => Answer> = {
  link: pageByLink,
  cursor: pageByCursor,
  offset: pageByOffset,
  page: pageByNumber,
  next: pageByBodyLink,
}
