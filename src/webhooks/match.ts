import { inArray } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import { readConnectionConfig } from "../connections/credentials.ts"
import { type ConnectionRow, connections } from "../connections/model.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { convertValue } from "../providers/value-kind.ts"
import type { WebhookMatch, WebhookRecipe } from "../providers/webhook-recipe.ts"
import { fill, type Parsed, textOf } from "./incoming.ts"

/** Rows that are looked at in one go: 500 of them take about 3 ms. */
const slice = 500

/** One event with the connections that it is about. */
export type MatchedEvent = { event: Parsed; connections: ConnectionRow[] }

/** What of a connection it is known by. */
type Candidate = Pick<ConnectionRow, "id" | "connection_id" | "connection_config"> & { metadata: string }

/**
 * Finds the live connections that events are about. All connections of the integration are looked through once, however
 * many events there are, because what they are known by may be encrypted.
 */
export async function matchEvents(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  recipe: WebhookRecipe,
  events: Parsed[],
): Promise<MatchedEvent[]> {
  const { connection: ways } = recipe
  const wanted = events.map((event) => (ways ?? []).map((way) => wantedValue(event, way)))
  const found = wanted.map((list) => list.map((): number[] => []))
  const all: number[] = []
  const isAsked = !ways || wanted.flat().some((value) => value !== undefined)
  for await (const candidate of isAsked ? candidatesOf(ctx, integration) : []) {
    if (!ways) all.push(candidate.id)
    const known = knownOf(ctx, candidate, ways ?? [])
    for (const [index, list] of wanted.entries())
      for (const [nth, value] of list.entries())
        if (value !== undefined && known[nth]?.includes(value)) found[index]?.[nth]?.push(candidate.id)
  }
  const chosen = found.map((list) => (ways ? (list.find((ids) => ids.length > 0) ?? []) : all))
  const rows = await rowsOf(ctx, new Set(chosen.flat()))
  return events.map((event, index) => ({
    event,
    connections: (chosen[index] ?? []).flatMap((id) => rows.get(id) ?? []),
  }))
}

async function* candidatesOf(ctx: EnvironmentCtx, integration: IntegrationRow): AsyncGenerator<Candidate, void, void> {
  let after = 0
  for (;;) {
    const rows = await ctx.store.select<Candidate>(
      `SELECT id, connection_id, connection_config, metadata FROM connections
       WHERE integration_id = ? AND deleted_at IS NULL AND id > ? ORDER BY id LIMIT ?`,
      [integration.id, after, slice],
    )
    yield* rows
    if (rows.length < slice) return
    after = rows.at(-1)?.id ?? after
    await Bun.sleep(0)
  }
}

async function rowsOf(ctx: EnvironmentCtx, ids: Set<number>): Promise<Map<number, ConnectionRow>> {
  const list = [...ids]
  const rows: ConnectionRow[] = []
  for (let from = 0; from < list.length; from += slice) {
    const part = list.slice(from, from + slice)
    rows.push(...(await ctx.db.select().from(connections).where(inArray(connections.id, part))))
  }
  return new Map(rows.map((row) => [row.id, row]))
}

function wantedValue(event: Parsed, { value, as }: WebhookMatch): string | undefined {
  const [text] = fill(event, value)
  return text === undefined ? undefined : convertValue(text, as)
}

/** For each way the texts that the connection is known by. */
function knownOf(ctx: EnvironmentCtx, row: Candidate, ways: WebhookMatch[]): string[][] {
  const needs = (place: string) => ways.some((way) => way.in.startsWith(place))
  const config = needs("connection_config.") ? readConnectionConfig(ctx, row) : {}
  const metadata = needs("metadata.") ? (JSON.parse(row.metadata) as Record<string, unknown>) : {}
  return ways.map((way) => {
    if (way.in === "connection_id") return [row.connection_id]
    const dot = way.in.indexOf(".")
    const path = way.in.slice(dot + 1)
    const value = memberAt(way.in.startsWith("metadata.") ? metadata : config, path)
    const texts = [value].flat().flatMap((one) => textOf(one) ?? [])
    return way.as === "origin" ? texts.map((text) => text.replace(/\/+$/, "")) : texts
  })
}

/** A member by its whole name, dots and all (that is how values of a token response are kept), or else by its path. */
function memberAt(holder: Record<string, unknown>, path: string): unknown {
  if (Object.hasOwn(holder, path)) return holder[path]
  let value: unknown = holder
  for (const name of path.split(".")) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}
