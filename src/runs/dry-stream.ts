export type LineStream = {
  body: ReadableStream<Uint8Array>
  /** Adds one JSON line. Resolves when the reader can take more; what comes after its end goes nowhere. */
  send: (value: unknown) => Promise<void>
  close: () => void
}

const linesAhead = 64

/** JSON lines for a reader that may be slow, or leave: then `onGone` is told. */
export function openLines(onGone: () => void): LineStream {
  const encoder = new TextEncoder()
  let ended = false
  let room = Promise.withResolvers<void>()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const end = () => {
    ended = true
    room.resolve()
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start: (opened) => void (controller = opened),
      pull() {
        room.resolve()
        room = Promise.withResolvers()
      },
      cancel() {
        end()
        onGone()
      },
    },
    { highWaterMark: linesAhead },
  )
  return {
    body,
    async send(value) {
      if (ended || !controller) return
      controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`))
      if ((controller.desiredSize ?? 1) <= 0) await room.promise
    },
    close() {
      if (ended) return
      end()
      controller?.close()
    },
  }
}
