import type { EnvironmentCtx } from "../app/context.ts"
import { inTransaction } from "../app/context.ts"
import type { ConnectionRow } from "../connections/model.ts"
import { webhookUrl } from "../integrations/show.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { AppError, messageOf } from "../kit/errors.ts"
import type { WebhookRecipe } from "../providers/webhook-recipe.ts"
import { completePending } from "./complete.ts"
import { forward } from "./forward.ts"
import {
  eventsOf,
  fill,
  holds,
  type Incoming,
  incomingFaults,
  type Parsed,
  parseIncoming,
  textOf,
  valueAt,
} from "./incoming.ts"
import { type MatchedEvent, matchEvents } from "./match.ts"
import type { InboxState } from "./model.ts"
import { asksConnection, readSecrets } from "./secrets.ts"
import { verifyJwt } from "./jwt.ts"
import { type Verdict, verifySignature } from "./verify.ts"

/** What came of a webhook: what to answer, and what the inbox keeps; nothing is kept of a handshake. */
export type Taken = {
  status: number
  /** Plain text, or undefined for the usual answer. */
  text?: string
  kept?: { state: InboxState; types: string[]; connections: string[]; error?: string }
}

export type Reception = { integration: IntegrationRow; recipe: WebhookRecipe; incoming: Incoming }

/**
 * Takes a provider's webhook in: checks who signed it, finds the connections that it is about, and queues what is to be
 * done. `keep` writes it to the inbox in the same transaction. Throws only what is our own fault.
 */
export async function takeIn(
  ctx: EnvironmentCtx,
  reception: Reception,
  keep: (ctx: EnvironmentCtx, taken: Taken) => Promise<void>,
): Promise<Taken> {
  const { incoming, recipe, integration } = reception
  try {
    const parsed = parseIncoming(incoming, recipe)
    const early = answerTo(parsed, recipe, true)
    if (early && !early.continue) return early.taken
    const isUnsigned = recipe.unsigned !== undefined && holds(parsed, recipe.unsigned)
    const isSigned = !isUnsigned && (await requireSignature(ctx, reception, parsed))
    const answer = early ?? answerTo(parsed, recipe, false)
    if (answer && !answer.continue) return answer.taken
    if (isSigned && recipe.completes) await completePending(ctx, integration, recipe.completes, parsed)
    const events = isUnsigned ? [] : await findConnections(ctx, reception, parsed)
    const taken = { status: 200, ...answer?.taken, kept: summaryOf(recipe, parsed, events) }
    await inTransaction(ctx, async (ctx) => {
      await keep(ctx, taken)
      await ctx.moments.webhookMatched(ctx, { integration, events: events.flatMap((one) => announced(recipe, one)) })
      if (integration.forward_webhooks) await forward(ctx, { integration, parsed, connections: distinct(events) })
    })
    return taken
  } catch (error) {
    if (!(error instanceof AppError) || !Object.hasOwn(incomingFaults, error.code)) throw error
    const refused: Taken = {
      status: error.status,
      text: undefined,
      kept: { state: "refused", types: [], connections: [], error: error.code },
    }
    await inTransaction(ctx, (ctx) => keep(ctx, refused))
    return refused
  }
}

/** The sentence for whoever reads the provider's delivery log. */
export const sentenceOf = ({ kept }: Taken): string => {
  const code = kept?.error as keyof typeof incomingFaults | undefined
  return code === undefined ? "internal_error" : messageOf(incomingFaults[code]())
}

function answerTo(
  parsed: Parsed,
  recipe: WebhookRecipe,
  unsigned: boolean,
): { taken: Taken; continue: boolean } | undefined {
  const answer = recipe.answers?.find((one) => (one.unsigned === true) === unsigned && holds(parsed, one.when))
  if (!answer) return undefined
  const text = answer.text === undefined ? "" : (textOf(valueAt(parsed, answer.text)) ?? "")
  return { taken: { status: 200, text }, continue: answer.continue === true }
}

/**
 * Checks the ways that need no connection, and answers whether one of them agreed: without a secret there may be nothing
 * to check. Throws `webhook_missing_signature` and `webhook_invalid_signature`.
 */
async function requireSignature(
  ctx: EnvironmentCtx,
  { integration, recipe }: Reception,
  parsed: Parsed,
): Promise<boolean> {
  if (recipe.verify?.some(asksConnection)) return false
  const verdicts: Verdict[] = []
  for (const verify of recipe.verify ?? []) {
    const secrets = readSecrets(ctx, integration, verify)
    const verdict =
      verify.kind === "jwt"
        ? await verifyJwt(ctx, parsed, verify, webhookUrl(ctx, integration) ?? "")
        : verifySignature(parsed, verify, secrets)
    verdicts.push(verdict)
  }
  refuseUnless(verdicts)
  return verdicts.includes("ok")
}

function refuseUnless(verdicts: Verdict[]): void {
  if (verdicts.includes("ok") || verdicts.every((verdict) => verdict === "open")) return
  throw verdicts.includes("invalid")
    ? incomingFaults.webhook_invalid_signature()
    : incomingFaults.webhook_missing_signature()
}

/** Where the secret belongs to a connection, those that did not sign are left out; when none is left, it is refused. */
async function findConnections(
  ctx: EnvironmentCtx,
  { integration, recipe }: Reception,
  parsed: Parsed,
): Promise<MatchedEvent[]> {
  const matched = await matchEvents(ctx, integration, recipe, eventsOf(parsed, recipe))
  const ways = recipe.verify ?? []
  if (!ways.some(asksConnection)) return matched
  const refused: Verdict[][] = []
  const hasSigned = (connection: ConnectionRow): boolean => {
    const verdicts = ways.map((verify) =>
      verifySignature(parsed, verify, readSecrets(ctx, integration, verify, connection)),
    )
    const isGood = verdicts.includes("ok") || verdicts.every((verdict) => verdict === "open")
    if (!isGood) refused.push(verdicts)
    return isGood
  }
  const left = matched.map(({ event, connections }) => ({ event, connections: connections.filter(hasSigned) }))
  const nobody = left.every(({ connections }) => connections.length === 0)
  if (nobody && refused.length > 0) refuseUnless(refused.flat())
  return left
}

function announced(recipe: WebhookRecipe, { event, connections }: MatchedEvent) {
  const types = fill(event, recipe.type)
  const payload = JSON.stringify(event.item ?? event.body)
  return connections.map((connection) => ({ connection, types, payload }))
}

function distinct(events: MatchedEvent[]): ConnectionRow[] {
  const byId = new Map(events.flatMap(({ connections }) => connections.map((row) => [row.id, row] as const)))
  return [...byId.values()]
}

/** What the inbox shows of it; long lists are cut. */
function summaryOf(recipe: WebhookRecipe, parsed: Parsed, events: MatchedEvent[]): NonNullable<Taken["kept"]> {
  const connections = distinct(events).map((row) => row.connection_id)
  const types = new Set(
    events.length > 0 ? events.flatMap(({ event }) => fill(event, recipe.type)) : fill(parsed, recipe.type),
  )
  return {
    state: connections.length > 0 ? "matched" : "unmatched",
    types: [...types].slice(0, 20).map((type) => type.slice(0, 255)),
    connections: connections.slice(0, 100),
  }
}
