import type { Logger } from "pino"
import type { ConnectSession } from "../connect/model.ts"
import type { Browsers } from "../connect/browsers.ts"
import type { KeyRing } from "../kit/crypto.ts"
import type { Egress } from "../kit/fetch.ts"
import type { Limiter } from "../kit/limiter.ts"
import type { Caller, Environment } from "../environments/model.ts"
import type { Rotation } from "../keys/model.ts"
import type { LogSink } from "../logs/log.ts"
import type { Fresh } from "../connections/renewable.ts"
import type { Catalogue } from "../providers/catalogue.ts"
import type { QueueLoop } from "../queue/loop.ts"
import type { Runner } from "../runner/runner.ts"
import type { Db, Store, Tx } from "../store/store.ts"
import type { Touches } from "../store/touches.ts"
import type { Config } from "./config.ts"
import type { Moments } from "./moments.ts"

/** What the process is made of: built once by `app.ts`, passed to every verb, replaced piece by piece in tests. */
export type App = {
  config: Config
  store: Store
  /** Reads; inside `inTransaction` the writer. */
  db: Db
  /** The open transaction, when there is one. */
  tx?: Tx
  catalogue: Catalogue
  egress: Egress
  runner: Runner
  queue: QueueLoop
  logs: LogSink
  touches: Touches
  keyTouches: Touches
  /** Refreshes that go on in this process, by connection: who comes later waits for the same one. */
  refreshes: Map<number, Promise<Fresh>>
  masterKey: KeyRing
  /** The change to another encryption key, as far as this process has to do with it. */
  rotation: Rotation
  moments: Moments
  /** Browsers that wait to hear how their authorization ended. */
  browsers: Browsers
  /** Counts the webhooks that providers send. */
  ingress: Limiter
  now: () => Date
  /** The address under which this daemon is reached from outside, without a trailing slash. */
  serverUrl: () => string
  log: Logger
  /** Aborted when the process begins to stop: whoever only waits ends then. */
  stopping: AbortSignal
}

/** An App that works inside one environment. */
export type EnvironmentCtx = App & { environment: Environment }

/** One request: who calls, in which environment. */
export type Ctx = EnvironmentCtx & { caller: Caller; requestId: string }

/** One request of an end user's browser, inside a connect session. */
export type SessionCtx = EnvironmentCtx & { session: ConnectSession; requestId: string }

/**
 * Runs `fn` in one write transaction and hands it the same context with the writer in it; joins a transaction that is
 * already open. Inside, await the store and nothing else.
 */
export function inTransaction<C extends App, T>(ctx: C, fn: (ctx: C & { tx: Tx }) => Promise<T>): Promise<T> {
  const { tx } = ctx
  if (tx) return fn({ ...ctx, tx })
  return ctx.store.tx((open) => fn({ ...ctx, tx: open, db: open.db }))
}
