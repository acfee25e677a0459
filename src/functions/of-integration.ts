import { and, asc, count, eq, isNull, sql } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { listConnectionsOf } from "../connections/connections.ts"
import { findIntegration } from "../integrations/integrations.ts"
import { listModels } from "../records/list.ts"
import { clearRecords } from "../records/clear.ts"
import { listFunctions, readCode, removeFunctions } from "./functions.ts"
import { functionFaults, type FunctionRow, functions } from "./model.ts"

type Type = FunctionRow["type"]
export type FunctionFilter = { type?: Type; search?: string; page: number; limit: number }
export type FunctionName = { uniqueKey: string; name: string; type?: Type }

/** A page of an integration's functions, by type and name. Throws `not_found`. */
export async function listFunctionsOf(
  ctx: EnvironmentCtx,
  uniqueKey: string,
  filter: FunctionFilter,
): Promise<{ rows: FunctionRow[]; total: number }> {
  const { type, search, page, limit } = filter
  const found = and(
    await ofIntegration(ctx, uniqueKey),
    type === undefined ? undefined : eq(functions.type, type),
    search === undefined ? undefined : sql`instr(lower(${functions.name}), ${search.toLowerCase()}) > 0`,
  )
  const [all] = await ctx.db.select({ total: count() }).from(functions).where(found)
  const rows = await ctx.db
    .select()
    .from(functions)
    .where(found)
    .orderBy(asc(functions.type), asc(functions.name), asc(functions.id))
    .limit(limit)
    .offset(page * limit)
  return { rows, total: all?.total ?? 0 }
}

/** All functions of that name, by type. Throws `not_found` when there is none. */
async function findFunctionsOf(ctx: EnvironmentCtx, name: FunctionName): Promise<[FunctionRow, ...FunctionRow[]]> {
  const [first, ...others] = await ctx.db
    .select()
    .from(functions)
    .where(
      and(
        await ofIntegration(ctx, name.uniqueKey),
        eq(functions.name, name.name),
        name.type === undefined ? undefined : eq(functions.type, name.type),
      ),
    )
    .orderBy(asc(functions.type), asc(functions.id))
  if (!first) throw functionFaults.not_found()
  return [first, ...others]
}

/** The first by type when several share the name. Throws `not_found`. */
export async function getFunctionOf(ctx: EnvironmentCtx, name: FunctionName): Promise<FunctionRow> {
  return (await findFunctionsOf(ctx, name))[0]
}

/** The source as its owner wrote it. Throws `ambiguous_function` when several share the name. */
export async function readSource(ctx: EnvironmentCtx, name: FunctionName): Promise<{ type: Type; code: string }> {
  const matches = await findFunctionsOf(ctx, name)
  const [row] = matches
  if (matches.length > 1) {
    throw functionFaults.ambiguous_function({
      payload: { matches: matches.map((match) => ({ type: match.type, name: match.name })) },
    })
  }
  const { source } = await readCode(ctx, row.id)
  if (source === "") throw functionFaults.not_found({ message: "The function's source is not stored" })
  return { type: row.type, code: source }
}

/** Removes a function that no project deploys; its syncs, schedules and records go with it. */
export async function deleteFunction(ctx: EnvironmentCtx, name: FunctionName): Promise<void> {
  const removed = await inTransaction(ctx, async (ctx) => {
    const row = await getFunctionOf(ctx, name)
    if (row.source === "repo") throw functionFaults.function_managed_by_deploy()
    await removeFunctions(ctx, [row])
    await ctx.moments.functionsDeployed(ctx, { saved: [], removed: [row] })
    return row
  })
  if (removed.type === "sync") await clearRecordsOf(ctx, removed)
}

/** Removes the records of the models that no other sync saves, on every connection, in bounded steps. */
async function clearRecordsOf(ctx: EnvironmentCtx, removed: FunctionRow): Promise<void> {
  const others = await listFunctions(ctx, { integrationId: removed.integration_id, type: "sync" })
  const kept = new Set(others.flatMap((row) => row.definition.models ?? []))
  const gone = new Set(removed.definition.models?.filter((model) => !kept.has(model)))
  for (const connection of await listConnectionsOf(ctx, removed.integration_id)) {
    // A variant's records stand under the model's name and its own.
    const models = (await listModels(ctx.store, connection.id)).filter((model) => gone.has(model.split("::")[0] ?? ""))
    for (const model of models) await clearRecords(ctx.store, { connectionId: connection.id, model })
  }
}

async function ofIntegration(ctx: EnvironmentCtx, uniqueKey: string) {
  const integration = await findIntegration(ctx, uniqueKey)
  if (!integration) throw functionFaults.not_found({ message: "Integration does not exist" })
  return and(eq(functions.integration_id, integration.id), isNull(functions.deleted_at))
}
