import { onFake } from "../helpers/setup.ts"
import type { Sluice } from "../helpers/sluice.ts"
import { model } from "./paging-sync.ts"

type Meta = { last_action: string; deleted_at: string | null; cursor: string }
export type FeedRecord = { id: string; _nango_metadata: Meta } & Record<string, unknown>

/** What a record is, without the times that two runs cannot share. */
export type Seen = { payload: string; action: string; deleted: boolean }

/** An app that follows the records by cursor and keeps what it read. */
export type Reader = {
  cursor: string | undefined
  /** Change number → id of the record that it was read with. */
  changes: Map<number, string>
  records: Map<string, Seen>
}

export const newReader = (): Reader => ({ cursor: undefined, changes: new Map(), records: new Map() })

export async function readPage(sluice: Sluice, cursor: string | undefined): Promise<FeedRecord[]> {
  const after = cursor === undefined ? "" : `&cursor=${cursor}`
  const { status, body, text } = await sluice.call("GET", `/records?model=${model}&limit=1000${after}`, {
    headers: onFake(),
  })
  if (status !== 200) throw new Error(`GET /records answered ${status}: ${text}`)
  return body.records
}

/**
 * Reads on to the end of the feed. Throws when the feed goes back, or gives a change number a second time: both mean
 * that an app has missed or doubled something.
 */
export async function readOn(sluice: Sluice, reader: Reader): Promise<void> {
  for (;;) {
    const page = await readPage(sluice, reader.cursor)
    for (const record of page) take(reader, record)
    if (page.length === 0) return
  }
}

function take(reader: Reader, { _nango_metadata: meta, ...payload }: FeedRecord): void {
  const change = changeOf(meta.cursor)
  const before = reader.cursor === undefined ? 0 : changeOf(reader.cursor)
  if (change <= before) throw new Error(`The feed goes back from change ${before} to ${change}`)
  if (reader.changes.has(change)) throw new Error(`Change ${change} came a second time`)
  reader.changes.set(change, payload.id)
  reader.cursor = meta.cursor
  reader.records.set(payload.id, {
    payload: JSON.stringify(payload),
    action: meta.last_action,
    deleted: meta.deleted_at !== null,
  })
}

/** Cursors are opaque to apps; this test looks inside because it is about the numbers. */
function changeOf(cursor: string): number {
  return Number(Buffer.from(cursor, "base64url").toString().replace("change:", ""))
}
