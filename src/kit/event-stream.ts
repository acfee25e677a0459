/** One event of `text/event-stream` (WHATWG HTML §9.2). `id` is what the client sends as `Last-Event-ID` when it comes again. */
export type StreamEvent = { id?: string; event: string; data: string }

const usualHeartbeatMs = 15_000
const encoder = new TextEncoder()

/**
 * Answers with events as they come. `read` waits for the next ones; undefined ends the stream, as does the signal. The
 * client sets the pace: nothing is read ahead of it. A comment every fifteen seconds keeps silent connections open.
 */
export function eventStream(input: {
  signal: AbortSignal
  read: (signal: AbortSignal) => Promise<StreamEvent[] | undefined>
  heartbeatMs?: number
}): Response {
  const { heartbeatMs = usualHeartbeatMs } = input
  const left = new AbortController()
  const signal = AbortSignal.any([input.signal, left.signal])
  let reading: Promise<StreamEvent[] | undefined> | undefined
  const body = new ReadableStream<Uint8Array>(
    {
      // The first bytes carry the headers to whoever waits for them.
      start: (controller) => controller.enqueue(encoder.encode(": here\n\n")),
      async pull(controller) {
        reading ??= input.read(signal)
        const events = await orHeartbeat(reading, heartbeatMs)
        if (events === "heartbeat") return controller.enqueue(encoder.encode(":\n\n"))
        reading = undefined
        if (events && !left.signal.aborted) controller.enqueue(encoder.encode(events.map(eventText).join("")))
        if (!events || signal.aborted) controller.close()
      },
      cancel: () => left.abort(),
    },
    { highWaterMark: 0 },
  )
  const headers = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    // Reverse proxies would hold the events back.
    "x-accel-buffering": "no",
  }
  return new Response(body, { headers })
}

function eventText({ id, event, data }: StreamEvent): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`)
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\n${lines.join("")}\n`
}

async function orHeartbeat<T>(reading: Promise<T>, heartbeatMs: number): Promise<T | "heartbeat"> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<"heartbeat">((resolve) => void (timer = setTimeout(resolve, heartbeatMs, "heartbeat")))
  try {
    return await Promise.race([reading, late])
  } finally {
    clearTimeout(timer)
  }
}
