import type { z } from "zod"
import type { Ctx } from "../app/context.ts"
import { findConnection } from "../connections/connections.ts"
import type { ConnectionHeaders } from "../connections/model.ts"
import { requireScope } from "../environments/keys.ts"
import { listFunctions } from "../functions/functions.ts"
import type { FunctionRow } from "../functions/model.ts"
import { defineFaults } from "../kit/errors.ts"
import { issuesOf } from "../kit/shapes.ts"
import { answerRecords, ListQuery } from "../records/query.ts"
import { runAction } from "./action-run.ts"
import { actionFaults } from "./model.ts"

const faults = defineFaults({ invalid_query_params: [400, ""] })
const ModelQuery = ListQuery.omit({ model: true })

export type Passthrough = {
  headers: z.output<typeof ConnectionHeaders>
  method: string
  /** As a function declares it in `endpoints`: with a slash in front. */
  path: string
  query: Record<string, unknown>
  body: unknown
  signal: AbortSignal
}

/**
 * Answers a call under the path that a deployed function declares, as JSON text: an action is run with the body as its
 * input, for a sync the records of the model of that path are read. Undefined when no function declares the path.
 */
export async function passThrough(ctx: Ctx, input: Passthrough): Promise<string | undefined> {
  const { headers, query } = input
  const names = { connectionId: headers["connection-id"], providerConfigKey: headers["provider-config-key"] }
  const found = await findConnection(ctx, names)
  if (!found) throw actionFaults.unknown_connection()
  const target = findDeclared(await listFunctions(ctx, { integrationId: found.integration.id }), input)
  if (!target) return undefined
  if (target.row.type === "action") {
    requireScope(ctx.caller, "actions:execute")
    refuseQuery(query)
    const actionInput = JSON.stringify(input.body ?? {})
    const output = await runAction(ctx, {
      ...names,
      actionName: target.row.name,
      input: actionInput,
      signal: input.signal,
    })
    return output ?? "null"
  }
  requireScope(ctx.caller, "records:read")
  const parsed = ModelQuery.safeParse(query)
  if (!parsed.success) throw faults.invalid_query_params({ errors: issuesOf(parsed.error) })
  return answerRecords(ctx, headers, { ...parsed.data, model: target.model })
}

function findDeclared(
  rows: FunctionRow[],
  { method, path }: Passthrough,
): { row: FunctionRow; model: string } | undefined {
  for (const row of rows) {
    const at = row.definition.endpoints.findIndex((one) => one.method === method && normal(one.path) === path)
    const model = row.definition.models?.[at] ?? row.definition.models?.[0] ?? ""
    if (at >= 0 && (row.type === "action" || model !== "")) return { row, model }
  }
  return undefined
}

/** A declared path in the form in which it arrives: encoded, with one slash in front and none at the end. */
export function normal(path: string): string {
  const { pathname } = new URL(`http://path/${path.replace(/^\/+/, "")}`)
  return pathname.length > 1 ? pathname.replace(/\/+$/, "") : pathname
}

function refuseQuery(query: Record<string, unknown>): void {
  const names = Object.keys(query)
  if (names.length === 0) return
  const message = `Unrecognized key${names.length === 1 ? "" : "s"}: ${names.map((name) => `"${name}"`).join(", ")}`
  throw faults.invalid_query_params({ errors: [{ code: "unrecognized_keys", message, path: [] }] })
}
