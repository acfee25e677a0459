import { and, eq, isNotNull, isNull, type SQL, sql } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import type { FailingSync } from "../app/moments.ts"
import { prepareRows } from "../store/prepared.ts"
import { syncs } from "./model.ts"

/** The live syncs of the environment, or of one connection, whose last run failed. */
export async function failingSyncs(ctx: EnvironmentCtx, connectionId?: number): Promise<FailingSync[]> {
  const environmentId = ctx.environment.id
  const rows =
    connectionId === undefined
      ? await failingAnywhere(ctx.db, { environmentId })
      : await failingOnOne(ctx.db, { environmentId, connectionId })
  return rows.map(({ sync }) => ({ connectionId: sync.connection_id, operationId: sync.failed_operation ?? "" }))
}

const failingWhere = (more?: SQL) =>
  prepareRows({ sync: syncs }, (db, fields) =>
    db
      .select(fields)
      .from(syncs)
      .where(
        and(
          eq(syncs.environment_id, sql.placeholder("environmentId")),
          more,
          isNotNull(syncs.failed_operation),
          isNull(syncs.deleted_at),
        ),
      )
      .orderBy(syncs.connection_id, syncs.name, syncs.variant),
  )
const failingAnywhere = failingWhere()
const failingOnOne = failingWhere(eq(syncs.connection_id, sql.placeholder("connectionId")))
