import type { Sluice } from "../test/helpers/sluice.ts"
import { onBench } from "./daemon.ts"
import { type Line, quantile } from "./report.ts"
import type { Bench } from "./run.ts"

const count = 1_000_000
const half = count / 2
const limit = 1000
/** Pages at either end that are compared. */
const end = 50

type Path = { what: string; path: string; cursor: string }
const paths: Path[] = [
  { what: "GET /records, last pages", path: "/records?model=Ticket", cursor: "cursor" },
  { what: "change feed, last pages", path: "/sluice/records/changes?x", cursor: "after" },
]

/**
 * Pages through 1,000,000 records, 1,000 at a time: the last pages against the first. Then again while a sync rewrites half
 * of them: every record has to be seen, and its last state after all others.
 */
export async function measurePaging(bench: Bench): Promise<Line[]> {
  const { daemon } = await bench.open()
  const connectionId = "million"
  await daemon.connect(connectionId)
  await daemon.fill(connectionId, { count, batch: limit, version: 1 })
  const lines: Line[] = []
  for (const one of paths) lines.push(await comparePages(daemon.sluice, connectionId, one))
  const writing = daemon.fill(connectionId, { count: half, batch: limit, version: 2 })
  const seen = await readWhile(daemon.sluice, connectionId, writing)
  lines.push({
    what: "records seen during a rewrite",
    value: seen.size / count,
    unit: "x",
    detail: `${seen.size} ids`,
    aim: { least: 1 },
  })
  return lines
}

async function comparePages(sluice: Sluice, connectionId: string, one: Path): Promise<Line> {
  const times: number[] = []
  let cursor: string | undefined
  for (;;) {
    const start = performance.now()
    const text = await readPage(sluice, connectionId, one, cursor)
    times.push(performance.now() - start)
    cursor = nextOf(text)
    if (cursor === undefined || text.length < 1000) break
    if (times.length > count / limit) break
  }
  if (times.length < count / limit) throw new Error(`${one.path}: only ${times.length} pages`)
  const first = quantile(times.slice(1, end + 1), 0.5)
  const last = quantile(times.slice(count / limit - end, count / limit), 0.5)
  const detail = `${last.toFixed(2)} of ${first.toFixed(2)} ms a page; slowest of all ${Math.max(...times).toFixed(1)} ms`
  return { what: one.what, value: last / first, unit: "x first", detail, aim: { most: 2 } }
}

async function readPage(sluice: Sluice, connectionId: string, one: Path, cursor: string | undefined): Promise<string> {
  const place = cursor === undefined ? "" : `&${one.cursor}=${cursor}`
  const headers = { authorization: `Bearer ${sluice.key}`, ...onBench(connectionId) }
  const path = one.path.replace("?x", `?limit=${limit}`).replace("=Ticket", `=Ticket&limit=${limit}`)
  const answer = await fetch(`${sluice.url}${path}${place}`, { headers })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`)
  return text
}

const nextOf = (text: string): string | undefined => /"next_cursor":"([^"]+)"/.exec(text.slice(-20_000))?.[1]

/** The last version of each record, as a reader of the feed saw it that reads on until nothing comes after the writing. */
async function readWhile(
  sluice: Sluice,
  connectionId: string,
  writing: Promise<unknown>,
): Promise<Map<string, number>> {
  const [, feed] = paths as [Path, Path]
  const seen = new Map<string, number>()
  let isOver = false
  void writing.then(() => (isOver = true))
  let cursor: string | undefined
  let place = 0
  for (;;) {
    const wasOver = isOver
    const page = JSON.parse(await readPage(sluice, connectionId, feed, cursor)) as Page
    for (const { record } of page.changes) {
      const change = changeOf(record._nango_metadata.cursor)
      if (change <= place) throw new Error(`Change ${change} came after ${place}.`)
      place = change
      seen.set(record.id, change)
    }
    cursor = page.next_cursor
    if (page.changes.length === 0 && wasOver) return seen
  }
}

type Page = { changes: { record: { id: string; _nango_metadata: { cursor: string } } }[]; next_cursor: string }
const changeOf = (cursor: string): number => Number(Buffer.from(cursor, "base64url").toString().split(":")[1])
