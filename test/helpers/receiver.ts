export type Received = { id: string; body: string; headers: Record<string, string>; path: string }
export type Respond = (received: Received, request: Request) => Response | Promise<Response>

export type Receiver = {
  url: string
  /** Everything that came in, in order, whatever was answered. */
  received: Received[]
  /** What it answers from now on. */
  answer: (respond: Respond) => void
  stop: () => Promise<void>
  [Symbol.asyncDispose]: () => Promise<void>
}

/** The owner's app, as far as webhooks go: it takes everything and answers 200 unless told otherwise. */
export function startReceiver(options: { port?: number; tls?: { cert: string; key: string } } = {}): Receiver {
  const received: Received[] = []
  let respond: Respond = () => new Response("ok")
  const server = Bun.serve({
    port: options.port ?? 0,
    hostname: "127.0.0.1",
    tls: options.tls,
    idleTimeout: 0,
    async fetch(request) {
      const headers = Object.fromEntries(request.headers)
      const one = {
        id: headers["webhook-id"] ?? "",
        body: await request.text(),
        headers,
        path: new URL(request.url).pathname,
      }
      received.push(one)
      return respond(one, request)
    },
  })
  const stop = () => server.stop(true)
  return {
    url: `${options.tls ? "https" : "http"}://127.0.0.1:${server.port}`,
    received,
    answer: (next) => void (respond = next),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
