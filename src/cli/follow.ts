import type { Client } from "./client.ts"
import { AppError } from "../kit/errors.ts"

export type Followed = { event: string; data: string }

const reconnectMs = 1_000

/**
 * Server-sent events of a path, without end. When the connection breaks it begins again after the last event that was
 * seen; only the very first connection may fail.
 */
export async function* follow(
  client: Client,
  path: string,
  options: { query: Record<string, string | number | undefined>; signal: AbortSignal },
): AsyncGenerator<Followed, void, void> {
  let last: string | undefined
  let isConnected = false
  for (;;) {
    try {
      const headers = { accept: "text/event-stream", "last-event-id": last }
      for await (const { id, ...event } of eventsOf(client.lines("GET", path, { query: options.query, headers }))) {
        isConnected = true
        if (event.event !== "") yield event
        last = id ?? last
      }
    } catch (error) {
      const isBreak = error instanceof AppError && error.code === "daemon_unreachable"
      if (!isBreak || !isConnected) throw error
    }
    if (options.signal.aborted) return
    await Bun.sleep(reconnectMs)
  }
}

type Event = Followed & { id?: string }

/** Groups lines to events; a comment gives one without a name. */
async function* eventsOf(lines: AsyncGenerator<string, void, void>): AsyncGenerator<Event, void, void> {
  let event: Event = { event: "", data: "" }
  for await (const line of lines) {
    if (line === "") {
      yield event
      event = { event: "", data: "" }
      continue
    }
    const at = line.indexOf(": ")
    const [name, value] = [line.slice(0, at), line.slice(at + 2)]
    if (name === "id") event.id = value
    if (name === "event") event.event = value
    if (name === "data") event.data += event.data === "" ? value : `\n${value}`
  }
}
