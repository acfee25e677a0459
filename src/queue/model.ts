import { int, json, table, text, time } from "../store/columns.ts"

/**
 * Task: a durable piece of work (run this sync, deliver that webhook). Schedule: what makes tasks over time.
 * Avoid: job, cron.
 *
 * A task is `waiting`, then `started` by an attempt that holds its lease, then `finished`. A key makes at most one live
 * task. Lower `priority` numbers go first.
 */
export const tasks = table("tasks", {
  id: text("id").primaryKey(),
  kind: text("kind").$type<TaskKind>().notNull(),
  key: text("key"),
  group: text("group").notNull(),
  priority: int("priority").notNull(),
  payload: json<unknown>("payload").notNull(),
  state: text("state").$type<"waiting" | "started" | "finished">().notNull(),
  run_at: time("run_at").notNull(),
  attempt: int("attempt").notNull(),
  losses: int("losses").notNull(),
  lease_until: time("lease_until"),
  cancel_reason: text("cancel_reason"),
  created_at: time("created_at").notNull(),
  started_at: time("started_at"),
  finished_at: time("finished_at"),
})

/** `intent` is what the operator wants; `state` is what the system allows. A schedule fires when both agree. */
export const schedules = table("schedules", {
  id: int("id").primaryKey({ autoIncrement: true }),
  key: text("key").notNull(),
  kind: text("kind").$type<TaskKind>().notNull(),
  payload: json<unknown>("payload").notNull(),
  group: text("group").notNull(),
  priority: int("priority").notNull(),
  interval_ms: int("interval_ms"),
  cron: text("cron"),
  timezone: text("timezone"),
  anchor_at: time("anchor_at").notNull(),
  next_at: time("next_at"),
  intent: text("intent").$type<"started" | "paused">().notNull(),
  state: text("state").$type<"active" | "disabled">().notNull(),
})

export type TaskKind = "sync" | "webhook" | "event" | "action" | "delivery" | "credentials" | "lookup"
export type TaskRow = typeof tasks.$inferSelect
export type ScheduleRow = typeof schedules.$inferSelect

/** Actions outrank webhooks outrank syncs. */
export const priorities = { action: 10, event: 15, webhook: 20, sync: 30 } as const

/** A task whose attempt is lost this often in a row, without one committed step between, is given up. */
export const maxLosses = 5
