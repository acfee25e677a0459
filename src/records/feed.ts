import type { z } from "zod"
import type { Ctx } from "../app/context.ts"
import type { ConnectionHeaders } from "../connections/model.ts"
import { eventStream, type StreamEvent } from "../kit/event-stream.ts"
import type { CommittedStep } from "../store/store.ts"
import { waitFor } from "../store/wait-for.ts"
import { type ChangePage, cursorOf, type Feed, listCollections, placesNow, readChanges } from "./changes.ts"
import { decodeCursor } from "./cursor.ts"
import { recordFaults } from "./model.ts"
import { decodePlaces, type Places } from "./places.ts"
import { connectionOf, fullModelOf } from "./query.ts"

export type ReadFeed = {
  model?: string
  variant?: string
  /** A cursor, or `now`; from the beginning when left out. */
  after?: string
  limit: number
}

/** What a reader of the feed names. Throws `unknown_connection` and `invalid_cursor`. */
async function openFeed(ctx: Ctx, headers: z.output<typeof ConnectionHeaders>, query: ReadFeed) {
  const { connection } = await connectionOf(ctx, headers)
  const feed: Feed = { connectionId: connection.id, model: query.model && fullModelOf(query.model, query.variant) }
  return { feed, places: await readPlaces(ctx, feed, query.after) }
}

/** The next changes as JSON text; when there are none, waits for some at most `waitSeconds`. */
export async function answerChanges(
  ctx: Ctx,
  headers: z.output<typeof ConnectionHeaders>,
  query: ReadFeed & { waitSeconds: number; signal: AbortSignal },
): Promise<string> {
  const { feed, places } = await openFeed(ctx, headers, query)
  const read = () => readChanges(ctx.store, feed, { places, limit: query.limit })
  const signal = AbortSignal.any([query.signal, ctx.stopping, AbortSignal.timeout(query.waitSeconds * 1000)])
  const found =
    query.waitSeconds === 0
      ? await read()
      : await waitFor(ctx.store, { ...waking(feed), read: unlessEmpty(read), signal })
  return pageText(feed, found ?? { changes: [], places, hasMore: false })
}

/** The changes as they come, one event each; the id of an event is the cursor after it. */
export async function streamChanges(
  ctx: Ctx,
  headers: z.output<typeof ConnectionHeaders>,
  query: ReadFeed,
): Promise<Response> {
  const opened = await openFeed(ctx, headers, query)
  const { feed } = opened
  let { places } = opened
  const read = unlessEmpty(async () => {
    const page = await readChanges(ctx.store, feed, { places, limit: query.limit })
    ;({ places } = page)
    return page
  })
  return eventStream({
    signal: ctx.stopping,
    read: async (signal) => (await waitFor(ctx.store, { ...waking(feed), read, signal }))?.changes.map(toEvent),
  })
}

const toEvent = ({ after, text }: ChangePage["changes"][number]): StreamEvent => ({
  id: after,
  event: "change",
  data: text,
})

const unlessEmpty = (read: () => Promise<ChangePage>) => async (): Promise<ChangePage | undefined> => {
  const page = await read()
  return page.changes.length > 0 || page.hasMore ? page : undefined
}

const waking = ({ connectionId }: Feed) => ({
  concerns: ({ name, input }: CommittedStep) =>
    name.startsWith("records.") && (input as { connectionId?: number } | null)?.connectionId === connectionId,
})

async function readPlaces(ctx: Ctx, feed: Feed, after: string | undefined): Promise<Places> {
  if (after === "now") return placesNow(ctx.store, feed)
  if (after === undefined) return new Map()
  const places = feed.model === undefined ? decodePlaces(after) : await placeInModel(ctx, feed, after)
  if (!places) throw recordFaults.invalid_cursor()
  return places
}

async function placeInModel(ctx: Ctx, feed: Feed, after: string): Promise<Places | undefined> {
  const change = decodeCursor(after)
  if (change === undefined) return undefined
  return new Map((await listCollections(ctx.store, feed)).map(({ id }) => [id, change]))
}

const pageText = (feed: Feed, { changes, places, hasMore }: ChangePage): string =>
  `{"changes":[${changes.map(({ text }) => text).join(",")}],"next_cursor":${JSON.stringify(cursorOf(feed, places))},"has_more":${hasMore}}`
