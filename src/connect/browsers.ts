/** The other end of a WebSocket. */
export type Line = { send: (text: string) => unknown }

/** How an authorization ended, as the official front-end client reads it. */
export type Outcome =
  | { message_type: "success"; provider_config_key: string; connection_id: string; is_pending: boolean }
  | {
      message_type: "error"
      provider_config_key?: string
      connection_id?: string
      error_type: string
      error_desc: string
    }

/**
 * Browsers that wait on a WebSocket to hear how their authorization ended. They live in this process only: a browser that
 * hangs on another daemon learns it from the callback page, which tells its opener.
 */
export type Browsers = {
  /** Greets a new line and answers its id, which nobody else can guess. */
  join: (line: Line) => string
  leave: (id: string | undefined) => void
  tell: (id: string | undefined, outcome: Outcome) => void
  isFull: () => boolean
}

/** Each costs a socket and little memory; a real end user has one, for minutes. */
const most = 10_000

export function createBrowsers(): Browsers {
  const lines = new Map<string, Line>()
  return {
    join(line) {
      const id = crypto.randomUUID()
      lines.set(id, line)
      line.send(JSON.stringify({ message_type: "connection_ack", ws_client_id: id }))
      return id
    },
    leave(id) {
      if (id !== undefined) lines.delete(id)
    },
    tell(id, outcome) {
      if (id !== undefined) lines.get(id)?.send(JSON.stringify(outcome))
    },
    isFull: () => lines.size >= most,
  }
}
