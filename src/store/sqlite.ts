import { Database, type Statement } from "bun:sqlite"
import { chmodSync, closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { drizzle } from "drizzle-orm/sqlite-proxy"
import { migrate } from "./migrate.ts"
import type { CommittedStep, SqlValue, StepCall, Store, Tx } from "./store.ts"
import type { WriterReply, WriterRequest } from "./writer.ts"

export const mainFile = "sluice.db"
export const logsFile = "logs.db"

/**
 * Opens both database files of a data directory: migrates them, starts the writer Worker that owns the only write
 * connections, and opens read-only connections for this thread.
 */
export async function openSqlite(options: {
  directory: string
  writer: string | URL
  onWriterDeath: (error: Error) => void
}): Promise<Store> {
  const paths = { main: join(options.directory, mainFile), logs: join(options.directory, logsFile) }
  // Its modules load on its own thread while the files are prepared.
  const worker = new Worker(options.writer)
  try {
    prepareFile(paths.main, "main")
    prepareFile(paths.logs, "logs")
  } catch (error) {
    worker.terminate()
    throw error
  }
  const writer = await startWriter(worker, paths, options.onWriterDeath)
  const main = openReader(paths.main)
  const logs = openReader(paths.logs)
  let gate: Promise<void> = Promise.resolve()

  const watchers = new Set<(step: CommittedStep) => void>()
  const announce = (steps: CommittedStep[]) => {
    for (const watcher of watchers) for (const step of steps) watcher(step)
  }

  async function step(call: StepCall) {
    await gate
    const result = await writer.ask(requestOf("step", call))
    announce([call])
    return result
  }

  async function tx<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    const before = gate
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    await before
    try {
      await writer.ask({ op: "begin" })
      const { tx: open, committed, steps } = openTx(writer)
      const result = await fn(open)
      await writer.ask({ op: "commit" })
      for (const run of committed) run()
      announce(steps)
      return result
    } catch (error) {
      await writer.ask({ op: "rollback" })
      throw withoutParameters(error)
    } finally {
      resolve()
    }
  }

  return {
    read: drizzle(async (sql, params, method) => ({ rows: main.values(sql, params, method) })),
    select: async <Row>(sql: string, params: SqlValue[]) => main.all(sql, params) as Row[],
    selectLogs: async <Row>(sql: string, params: SqlValue[]) => logs.all(sql, params) as Row[],
    tx,
    step,
    watch(watcher) {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    async close() {
      await gate
      await writer.close()
      main.close()
      logs.close()
    },
  }
}

function requestOf(op: "step" | "txStep", { name, input, body }: StepCall): WriterRequest {
  return { op, name, input: JSON.stringify(input ?? null), body }
}

type Writer = { ask: (request: WriterRequest) => Promise<unknown>; close: () => Promise<void> }

function openTx(writer: Writer): { tx: Tx; committed: (() => void)[]; steps: CommittedStep[] } {
  const committed: (() => void)[] = []
  const steps: CommittedStep[] = []
  const step = (call: StepCall) => {
    steps.push({ name: call.name, input: call.input })
    return writer.ask(requestOf("txStep", call))
  }
  const db = drizzle(async (sql, params, method) => ({
    rows: (await writer.ask({ op: "statement", sql, params: params as SqlValue[], method })) as never,
  }))
  return {
    tx: { db, step, after: (fn) => void committed.push(fn) },
    committed,
    steps,
  }
}

/** Brings a database file to this executable's schema, and makes it if there is none. */
function prepareFile(path: string, which: "main" | "logs"): void {
  // Empty is as good as absent: what a process that died right after making the file leaves.
  if (!existsSync(path) || statSync(path).size === 0) return makeFile(path, which)
  const db = new Database(path)
  try {
    db.run("PRAGMA journal_mode = WAL")
    db.run("PRAGMA busy_timeout = 5000")
    migrate(db, which)
  } finally {
    db.close()
  }
}

/**
 * Makes the file under another name, and gives it its own once all of it is on disk. So it is there whole or not at all,
 * and the steps before need no sync of their own: a first start does 10 of them instead of 36.
 */
function makeFile(path: string, which: "main" | "logs"): void {
  const unfinished = `${path}.new`
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(`${unfinished}${suffix}`, { force: true })
  const db = new Database(unfinished, { create: true })
  try {
    chmodSync(unfinished, 0o600)
    db.run("PRAGMA synchronous = OFF")
    // The page size can only be chosen before the first table. Measured: 8 KB pages insert 20 % faster than 4 KB.
    db.run("PRAGMA page_size = 8192")
    db.run("PRAGMA auto_vacuum = INCREMENTAL")
    db.run("PRAGMA journal_mode = WAL")
    migrate(db, which)
  } finally {
    db.close()
  }
  syncFile(unfinished)
  renameSync(unfinished, path)
}

function syncFile(path: string): void {
  const file = openSync(path, "r+")
  fsyncSync(file)
  closeSync(file)
}

function openReader(path: string) {
  const db = new Database(path, { readonly: true, strict: true })
  db.run("PRAGMA busy_timeout = 5000")
  const cache = new Map<string, Statement>()
  const prepare = (sql: string) => {
    const known = cache.get(sql)
    if (known) return known
    const statement = db.prepare(sql)
    // Statements with a varying number of placeholders would otherwise pile up.
    if (cache.size >= 500) dropOldest(cache)
    cache.set(sql, statement)
    return statement
  }
  return {
    all: (sql: string, params: SqlValue[]) => prepare(sql).all(...params),
    values(sql: string, params: unknown[], method: string): any {
      const rows = prepare(sql).values(...(params as SqlValue[]))
      return method === "get" ? rows[0] : rows
    },
    close() {
      for (const statement of cache.values()) statement.finalize()
      db.close()
    },
  }
}

function dropOldest(cache: Map<string, Statement>): void {
  const [sql, statement] = cache.entries().next().value ?? []
  if (sql === undefined || !statement) return
  statement.finalize()
  cache.delete(sql)
}

async function startWriter(
  worker: Worker,
  paths: { main: string; logs: string },
  onDeath: (error: Error) => void,
): Promise<Writer> {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let nextId = 1
  let closing = false
  let dead: Error | undefined

  const fail = (error: Error) => {
    dead = error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
    if (!closing) onDeath(error)
  }
  worker.addEventListener("message", (event: MessageEvent<WriterReply>) => {
    const call = waiting.get(event.data.id)
    waiting.delete(event.data.id)
    if (!call) return
    if (event.data.error) call.reject(reviveError(event.data.error))
    else call.resolve(event.data.result)
  })
  worker.addEventListener("error", (event) => fail(new Error(`The writer stopped: ${event.message}`)))
  worker.addEventListener("close", () => fail(new Error("The writer stopped.")))

  const ask = (request: WriterRequest) =>
    new Promise<unknown>((resolve, reject) => {
      if (dead) return reject(dead)
      const id = nextId++
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, ...request })
    })
  await ask({ op: "open", paths })
  return {
    ask,
    async close() {
      closing = true
      await ask({ op: "close" })
      worker.terminate()
    },
  }
}

/** An error of the database or of a step, as it arrives from the writer. `code` is SQLite's (`SQLITE_CONSTRAINT_UNIQUE`) or the step's. */
export class StoreError extends Error {
  readonly code: string
  readonly data: unknown
  constructor(message: string, code: string, data: unknown) {
    super(message)
    this.name = "StoreError"
    this.code = code
    this.data = data
  }
}

/** The query builder's errors quote every parameter; what is thrown on must not carry them into a log. */
const withoutParameters = (error: unknown): unknown =>
  error instanceof Error && error.cause instanceof StoreError ? error.cause : error

const reviveError = (error: { message: string; code: string; data?: unknown }) =>
  new StoreError(error.message, error.code, error.data)
