import { and, asc, eq, inArray, isNull } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import { type FunctionCode, functionCode, type FunctionRow, functions } from "./model.ts"

/** The deployed functions of the environment, or of one integration. */
export function listFunctions(
  ctx: EnvironmentCtx,
  filter: { integrationId?: number; type?: FunctionRow["type"] } = {},
): Promise<FunctionRow[]> {
  return ctx.db
    .select()
    .from(functions)
    .where(
      and(
        eq(functions.environment_id, ctx.environment.id),
        isNull(functions.deleted_at),
        filter.integrationId === undefined ? undefined : eq(functions.integration_id, filter.integrationId),
        filter.type === undefined ? undefined : eq(functions.type, filter.type),
      ),
    )
    .orderBy(asc(functions.integration_id), asc(functions.type), asc(functions.name))
}

export async function findFunction(
  ctx: EnvironmentCtx,
  name: { integrationId: number; type: FunctionRow["type"]; name: string },
): Promise<FunctionRow | undefined> {
  const [row] = await ctx.db
    .select()
    .from(functions)
    .where(
      and(
        eq(functions.integration_id, name.integrationId),
        eq(functions.type, name.type),
        eq(functions.name, name.name),
        isNull(functions.deleted_at),
      ),
    )
  return row
}

/** A deployed function by its number; undefined once it was removed. */
export async function findFunctionById(ctx: Pick<EnvironmentCtx, "db">, id: number): Promise<FunctionRow | undefined> {
  const [row] = await ctx.db
    .select()
    .from(functions)
    .where(and(eq(functions.id, id), isNull(functions.deleted_at)))
  return row
}

/** The code of a deployed function. It exists as long as its row does. */
export async function readCode(ctx: EnvironmentCtx, functionId: number): Promise<FunctionCode> {
  const [row] = await ctx.db.select().from(functionCode).where(eq(functionCode.function_id, functionId))
  if (!row) throw new Error(`The code of function ${functionId} is missing.`)
  return row
}

/** Marks functions as removed; their code goes with them. */
export async function removeFunctions(ctx: EnvironmentCtx, rows: FunctionRow[]): Promise<void> {
  if (rows.length === 0) return
  const ids = rows.map((row) => row.id)
  await ctx.db.update(functions).set({ deleted_at: ctx.now().getTime() }).where(inArray(functions.id, ids))
  await ctx.db.delete(functionCode).where(inArray(functionCode.function_id, ids))
}
