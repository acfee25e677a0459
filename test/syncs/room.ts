import { eq } from "drizzle-orm"
import { inTransaction } from "../../src/app/context.ts"
import { findConnection } from "../../src/connections/connections.ts"
import type { FunctionDefinition } from "../../src/functions/definition.ts"
import { applyPlan } from "../../src/functions/deploy.ts"
import { planDeploy } from "../../src/functions/plan.ts"
import { findLiveTask } from "../../src/queue/queue.ts"
import { findSchedule } from "../../src/queue/schedule.ts"
import { scheduleKey, type SyncRow, type SyncRunRow, syncRuns, syncs } from "../../src/syncs/model.ts"
import type { TestApp } from "../helpers/app.ts"

/** What a deploy carries for one sync, without compiling any source. */
export function syncNamed(name: string, more: Partial<FunctionDefinition> = {}): FunctionDefinition {
  return {
    type: "sync",
    name,
    integrationId: "k",
    file: `k/syncs/${name}.ts`,
    description: "",
    scopes: [],
    models: ["Thing"],
    modelSchemas: { definitions: {} },
    frequency: "every hour",
    autoStart: true,
    syncType: "full",
    trackDeletes: false,
    webhookSubscriptions: [],
    endpoints: [],
    hasWebhookHandler: false,
    features: [],
    legacy: false,
    ...more,
  }
}

/** Syncs of a real App: deployed for good, but never run, because the queue stands still. */
export function syncsOf(t: TestApp) {
  const { ctx } = t
  return {
    /** Makes exactly these functions the deployed ones. */
    async deploy(...definitions: FunctionDefinition[]) {
      const compiled = definitions.map((definition) => ({ definition, code: "", map: "", source: "" }))
      await applyPlan(ctx, await planDeploy(ctx, compiled, undefined))
    },
    async connect(connection_id: string, provider_config_key = "k") {
      const body = { provider_config_key, connection_id, credentials: { type: "NONE" } }
      const answer = await t.request("POST", "/connections", { body })
      if (answer.status !== 201) throw new Error(answer.text)
    },
    disconnect: (id: string) => t.request("DELETE", `/connections/${id}?provider_config_key=k`),
    /** All instances, removed ones as well, with their schedules. */
    async all() {
      const rows = await ctx.db.select().from(syncs).orderBy(syncs.created_at, syncs.id)
      return Promise.all(rows.map(async (row) => ({ ...row, schedule: await findSchedule(ctx, scheduleKey(row.id)) })))
    },
    async one(connectionId: string, name = "issues", variant = "base"): Promise<SyncRow> {
      const found = await findConnection(ctx, { connectionId, providerConfigKey: "k" })
      const rows = await ctx.db.select().from(syncs).where(eq(syncs.name, name))
      const row = rows.find((one) => one.connection_id === found?.connection.id && one.variant === variant)
      if (!row) throw new Error(`There is no sync "${name}" on "${connectionId}".`)
      return row
    },
    schedule: async (row: SyncRow) => findSchedule(ctx, scheduleKey(row.id)),
    task: (row: SyncRow) => findLiveTask(ctx, scheduleKey(row.id)),
    addRun: (row: SyncRow, more: Partial<SyncRunRow> = {}) =>
      inTransaction(ctx, async (ctx) => {
        const started_at = ctx.now().getTime()
        const [run] = await ctx.db
          .insert(syncRuns)
          .values({
            sync_id: row.id,
            kind: "sync",
            type: "INITIAL",
            status: "SUCCESS",
            attempt: 1,
            started_at,
            ...more,
          })
          .returning()
        if (!run) throw new Error("The run was not stored.")
        return run
      }),
    command: (path: string, body: Record<string, unknown>, headers?: Record<string, string>) =>
      t.request("POST", path, { body: { provider_config_key: "k", ...body }, headers }),
    async status(query = "syncs=*"): Promise<any[]> {
      return (await t.request("GET", `/sync/status?provider_config_key=k&${query}`)).body.syncs
    },
  }
}

export type SyncRoom = ReturnType<typeof syncsOf>
