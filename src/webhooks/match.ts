import { createHash } from "node:crypto"
import { and, asc, eq, gt, isNull } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import { readConnectionConfig } from "../connections/credentials.ts"
import { type ConnectionRow, connections } from "../connections/model.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import type { WebhookMatch, WebhookRecipe } from "../providers/webhook-recipe.ts"
import { fill, type Parsed, textOf } from "./incoming.ts"

/** Rows that are looked at in one go: decrypting 500 of them takes a few milliseconds. */
const slice = 500

/** One event with the connections that it is about. */
export type MatchedEvent = { event: Parsed; connections: ConnectionRow[] }

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
  const wanted = events.map((event) => (ways ?? []).map((way) => ({ way, value: wantedValue(event, way) })))
  const found = wanted.map((list) => list.map((): ConnectionRow[] => []))
  const all: ConnectionRow[] = []
  const isAsked = !ways || wanted.some((list) => list.some(({ value }) => value !== undefined))
  for await (const row of isAsked ? rowsOf(ctx, integration) : []) {
    if (!ways) all.push(row)
    const known = knownOf(ctx, row, ways ?? [])
    for (const [index, list] of wanted.entries())
      for (const [nth, { value }] of list.entries())
        if (value !== undefined && known[nth]?.includes(value)) found[index]?.[nth]?.push(row)
  }
  return events.map((event, index) => ({
    event,
    connections: ways ? (found[index]?.find((rows) => rows.length > 0) ?? []) : all,
  }))
}

async function* rowsOf(ctx: EnvironmentCtx, integration: IntegrationRow): AsyncGenerator<ConnectionRow, void, void> {
  let after = 0
  for (;;) {
    const rows = await ctx.db
      .select()
      .from(connections)
      .where(
        and(eq(connections.integration_id, integration.id), isNull(connections.deleted_at), gt(connections.id, after)),
      )
      .orderBy(asc(connections.id))
      .limit(slice)
    yield* rows
    if (rows.length < slice) return
    after = rows.at(-1)?.id ?? after
    await Bun.sleep(0)
  }
}

function wantedValue(event: Parsed, { value, as }: WebhookMatch): string | undefined {
  const [text] = fill(event, value)
  if (text === undefined || as === undefined) return text
  if (as === "first-label") return text.split(".")[0]
  if (as === "origin") return URL.canParse(text) ? new URL(text).origin : undefined
  return createHash("sha256").update(`nango.emailAddressHash.v1:${text.toLowerCase()}`).digest("hex")
}

/** For each way the texts that the connection is known by. */
function knownOf(ctx: EnvironmentCtx, row: ConnectionRow, ways: WebhookMatch[]): string[][] {
  const needsConfig = ways.some((way) => way.in.startsWith("connection_config."))
  const config = needsConfig ? readConnectionConfig(ctx, row) : {}
  return ways.map((way) => {
    if (way.in === "connection_id") return [row.connection_id]
    const dot = way.in.indexOf(".")
    const path = way.in.slice(dot + 1)
    const value = memberAt(way.in.startsWith("metadata.") ? row.metadata : config, path)
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
