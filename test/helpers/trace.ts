import type { App } from "../../src/app/context.ts"
import type { Db } from "../../src/store/store.ts"

type Client = (sql: string, params: unknown[], method: string) => Promise<unknown>

/**
 * Notes every statement and step that the store is asked for. Two requests with the same trace do the same work: that
 * can be asserted where the time itself cannot.
 */
export function traceStore(app: App): { take: () => string[] } {
  let noted: string[] = []
  const note = (text: string) => void noted.push(text.replace(/\s+/g, " "))
  const { store } = app
  const { select, selectLogs, step, tx } = store
  watch(store.read, note)
  store.select = (sql, params) => (note(sql), select(sql, params))
  store.selectLogs = (sql, params) => (note(sql), selectLogs(sql, params))
  store.step = (call) => (note(`step ${call.name}`), step(call))
  store.tx = (fn) => {
    note("begin")
    return tx((open) => {
      watch(open.db, note)
      return fn({ ...open, step: (call) => (note(`step ${call.name}`), open.step(call)) })
    })
  }
  return {
    take() {
      const taken = noted
      noted = []
      return taken
    },
  }
}

/** Puts itself between the query builder and the engine. */
function watch(db: Db, note: (sql: string) => void): void {
  const { session } = db as unknown as { session: { client: Client } }
  const { client } = session
  session.client = (sql, params, method) => {
    note(sql)
    return client(sql, params, method)
  }
}
