import type { Answer, Call } from "./answers.ts"
import { jsonAnswer } from "./answers.ts"
import type { FakeProviderSettings, ParsedRow } from "./model.ts"
import { fakeErrors, parseOr, RecordedRow } from "./model.ts"

type Row = {
  method: string
  path: string
  params: URLSearchParams
  status: number
  headers: ParsedRow["headers"]
} & {
  isList: boolean
  body: string
}

export type Recording = {
  origin: string | undefined
  aliases: Record<string, string>
  /** `METHOD path` → rows of that path, then rows of the paths that its Link headers lead to or come from. */
  families: Map<string, { own: Row[]; linked: Row[] }>
}

/** Headers that belong to the connection of the recording, not to the answer. */
const HOP_HEADERS = new Set(["content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive"])
const LINK_URL = /<([^>]+)>/g
const PAGE_NUMBER = /^(page|p|page_?(number|no|index)|offset|start(_?at|_?index)?|skip|from)$/i
const PAGE_CURSOR = /^(.*cursor|.*_?token|after|before|starting_after|ending_before|marker|bookmark|scroll_?id)$/i

/** Reads the rows (from the file when a path is given) and indexes them. Throws `invalid_recording`. */
export async function openRecording(settings: FakeProviderSettings): Promise<Recording> {
  const rows = (typeof settings.data === "string" ? await readRows(settings.data) : (settings.data ?? [])).map(toRow)
  return {
    origin: settings.origin?.replace(/\/+$/, "") ?? detectOrigin(rows),
    aliases: settings.aliases,
    families: groupRows(rows),
  }
}

async function readRows(file: string): Promise<ParsedRow[]> {
  try {
    return parseOr(RecordedRow.array(), await Bun.file(file).json(), "invalid_recording")
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw fakeErrors.invalid_recording({
      message: `${file}: ${reason}`,
      cause,
    })
  }
}

function toRow(row: ParsedRow): Row {
  const url = new URL(row.path, "http://recorded.invalid")
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(row.headers)) {
    if (!HOP_HEADERS.has(name.toLowerCase())) headers[name.toLowerCase()] = value
  }
  const body = row.body ?? ""
  if (typeof body !== "string") headers["content-type"] ??= "application/json"
  return {
    method: row.method.toUpperCase(),
    path: url.pathname,
    params: url.searchParams,
    status: row.status,
    headers,
    isList: Array.isArray(row.body),
    body: typeof body === "string" ? body : JSON.stringify(body),
  }
}

function linkUrls(row: Row): URL[] {
  const links = [...(row.headers.link ?? "").matchAll(LINK_URL)].map((match) => match[1] ?? "")
  return links.filter((link) => URL.canParse(link)).map((link) => new URL(link))
}

/** The origin that most Link headers name; without any, that of most URLs in bodies whose path was recorded. */
function detectOrigin(rows: readonly Row[]): string | undefined {
  const paths = new Set(rows.map((row) => row.path))
  const inLinks = rows.flatMap(linkUrls).map((url) => url.origin)
  const inBodies = () =>
    rows
      .flatMap((row) => row.body.match(/https?:\/\/[^\s"'<>\\]+/g) ?? [])
      .filter((text) => URL.canParse(text) && paths.has(new URL(text).pathname))
      .map((text) => new URL(text).origin)
  const counts = new Map<string, number>()
  for (const origin of inLinks.length > 0 ? inLinks : inBodies()) counts.set(origin, (counts.get(origin) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0]
}

function groupRows(rows: readonly Row[]): Recording["families"] {
  const families: Recording["families"] = new Map()
  for (const row of rows) {
    const key = `${row.method} ${row.path}`
    const family = families.get(key) ?? { own: [], linked: [] }
    family.own.push(row)
    families.set(key, family)
  }
  for (const row of rows) {
    const from = families.get(`${row.method} ${row.path}`)
    for (const path of new Set(linkUrls(row).map((url) => url.pathname))) {
      const to = families.get(`${row.method} ${path}`)
      if (!from || !to || from === to) continue
      for (const other of to.own) if (!from.linked.includes(other)) from.linked.push(other)
      for (const other of from.own) if (!to.linked.includes(other)) to.linked.push(other)
    }
  }
  return families
}

/** The recorded answer to a call, with links turned to this server; `undefined` when its path was not recorded. */
export function answerRecorded(recording: Recording, call: Call): Answer | undefined {
  const { path, query } = resolveAlias(recording, call)
  const method = call.method === "HEAD" ? "GET" : call.method
  const family = recording.families.get(`${method} ${path}`)
  if (!family) return undefined
  if (isBeyondEnd([...family.own, ...family.linked], query)) {
    const isList = family.own[0]?.isList === true
    return jsonAnswer(isList ? 200 : 404, isList ? [] : { message: "No such page was recorded." })
  }
  const row = pickRow(family.own, family.linked, query)
  if (!row) return undefined
  const etag = row.headers.etag
  if (etag !== undefined && call.headers["if-none-match"] === etag) return { status: 304, headers: { etag } }
  return rewrite(recording, call, row)
}

function resolveAlias(recording: Recording, call: Call): { path: string; query: URLSearchParams } {
  const target = recording.aliases[call.path]
  if (target === undefined) return { path: call.path, query: call.query }
  const url = new URL(target, "http://recorded.invalid")
  const query = new URLSearchParams(call.query)
  for (const [name, value] of url.searchParams) if (!call.query.has(name)) query.append(name, value)
  return { path: url.pathname, query }
}

/** Exact query; else the recorded query that says most and is part of the asked one; else the same page; else the first. */
function pickRow(own: readonly Row[], linked: readonly Row[], query: URLSearchParams): Row | undefined {
  const rows = [...own, ...linked]
  const exact = rows.find((row) => row.params.size === query.size && includesAll(query, row.params))
  if (exact) return exact
  const parts = rows.filter((row) => includesAll(query, row.params)).toSorted((a, b) => b.params.size - a.params.size)
  const page = pagingNames(rows, [PAGE_NUMBER, PAGE_CURSOR])
  const samePage = rows.find((row) => page.some((name) => query.has(name) && query.get(name) === row.params.get(name)))
  return parts[0] && saysPage(parts[0], page, samePage) ? parts[0] : (samePage ?? parts[0] ?? own[0])
}

function saysPage(row: Row, page: readonly string[], samePage: Row | undefined): boolean {
  return samePage === undefined || page.some((name) => row.params.has(name))
}

function includesAll(query: URLSearchParams, params: URLSearchParams): boolean {
  return [...params].every(([name, value]) => query.getAll(name).includes(value))
}

function pagingNames(rows: readonly Row[], patterns: readonly RegExp[]): string[] {
  const names = new Set(rows.flatMap((row) => [...row.params.keys()]))
  return [...names].filter((name) => patterns.some((pattern) => pattern.test(name)))
}

/** A page number behind the last recorded one: without this, a client that counts pages would start over for ever. */
function isBeyondEnd(rows: readonly Row[], query: URLSearchParams): boolean {
  return pagingNames(rows, [PAGE_NUMBER]).some((name) => {
    const asked = Number(query.get(name) ?? Number.NaN)
    const recorded = rows.flatMap((row) => row.params.getAll(name)).map(Number)
    return Number.isInteger(asked) && recorded.every(Number.isInteger) && asked > Math.max(...recorded)
  })
}

function rewrite(recording: Recording, call: Call, row: Row): Answer {
  const { origin } = recording
  if (origin === undefined) return { status: row.status, headers: row.headers, body: row.body }
  // A longer host name that begins with the origin's is another host.
  const pattern = new RegExp(`${origin.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\w.:-])`, "g")
  const turn = (text: string) => text.replace(pattern, () => call.base)
  const headers = Object.entries(row.headers).map(([name, value]) => [name, turn(value)])
  return {
    status: row.status,
    headers: Object.fromEntries(headers),
    body: turn(row.body),
  }
}
