import type { SqliteRemoteDatabase } from "drizzle-orm/sqlite-proxy"

/**
 * The one seam between the rooms and the database engine. SQL is written in the rooms, in drizzle's common subset;
 * nothing outside `src/store` knows which engine runs.
 */
export type Db = SqliteRemoteDatabase

/** One value of a row or parameter. Times are integers: milliseconds, or microseconds where the column says so. */
export type SqlValue = string | number | bigint | boolean | null | Uint8Array
export type SqlRow = Record<string, SqlValue>

/** What one step gets from its caller: a small envelope of JSON values, and a large payload that travels as text beside it. */
export type StepCall = { name: string; input: unknown; body?: string }

/**
 * An open write transaction. `step` runs inside it, in order with the statements of `db`. What is given to `after` runs
 * once the transaction has committed, and never when it rolls back.
 */
export type Tx = { db: Db; step: (call: StepCall) => Promise<unknown>; after: (fn: () => void) => void }

export type Store = {
  /** Reads what is committed, on its own connection. Never used for writes. */
  read: Db
  /** Reads rows with plain SQL: for the hot read paths, where a query builder would cost more than the query. */
  select: <Row = SqlRow>(sql: string, params: SqlValue[]) => Promise<Row[]>
  /** Reads rows of the log database. */
  selectLogs: <Row = SqlRow>(sql: string, params: SqlValue[]) => Promise<Row[]>
  /**
   * Runs `fn` in one write transaction (begin immediate, then commit or roll back). There is one writer, so a
   * transaction holds the only pen: inside `fn` await the store and nothing else.
   */
  tx: <T>(fn: (tx: Tx) => Promise<T>) => Promise<T>
  /** Runs one prepared step in a transaction of its own, as a single message to the writer. */
  step: (call: StepCall) => Promise<unknown>
  /**
   * Tells of every step once it is committed and can be read, in the order of commit. Answers how to end it. `waitFor`
   * waits with it.
   */
  watch: (watcher: (step: CommittedStep) => void) => () => void
  close: () => Promise<void>
}

/** A step as watchers see it: without its payload. */
export type CommittedStep = Pick<StepCall, "name" | "input">

/** How a step sees the database: statements are prepared once per SQL text and kept. */
export type StepDb = {
  all: <Row = SqlRow>(sql: string, ...params: SqlValue[]) => Row[]
  get: <Row = SqlRow>(sql: string, ...params: SqlValue[]) => Row | undefined
  /** Returns the number of rows changed. */
  run: (sql: string, ...params: SqlValue[]) => number
}

/**
 * A prepared write of a hot path. It runs in the writer, synchronously, inside one transaction, and validates what it
 * is given because its body comes from a guest. Throwing rolls the transaction back.
 */
export type Step = { database: "main" | "logs"; run: (db: StepDb, input: unknown, body: string | undefined) => unknown }
export type Steps = Record<string, Step>
