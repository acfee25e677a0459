import net from "node:net"
import tls from "node:tls"

/** What a scripted server saw and what it did. */
export type RawServer = {
  port: number
  connections: number
  closed: number
  requests: string[]
  /** Resolves when the number of closed connections has reached `count`. */
  untilClosed: (count: number) => Promise<void>
  [Symbol.asyncDispose]: () => Promise<void>
}

/** Answers one request: gets its text (head and body so far) and the socket to write to. */
export type Answer = (request: string, socket: net.Socket) => void

export const ok: Answer = (_request, socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

/** A server of plain bytes, because most cases here are about what goes over the wire. */
export async function rawServer(answer: Answer = ok, host = "127.0.0.1"): Promise<RawServer> {
  const open = new Set<net.Socket>()
  const begun = new WeakSet<net.Socket>()
  const waiting: { count: number; resolve: () => void }[] = []
  const listener = net.createServer((socket) => {
    open.add(socket)
    state.connections++
    socket.on("error", () => socket.destroy())
    socket.on("close", () => {
      open.delete(socket)
      state.closed++
      for (const item of waiting) if (state.closed >= item.count) item.resolve()
    })
    socket.on("data", (data) => {
      const text = data.toString("latin1")
      const isContinuation = begun.has(socket) && !/^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(text)
      if (isContinuation) {
        state.requests[state.requests.length - 1] += text
        return
      }
      begun.add(socket)
      state.requests.push(text)
      answer(text, socket)
    })
  })
  const state: RawServer = {
    port: 0,
    connections: 0,
    closed: 0,
    requests: [],
    untilClosed: (count) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      if (state.closed >= count) resolve()
      waiting.push({ count, resolve })
      return promise
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      await new Promise<void>((resolve) => listener.close(() => resolve()))
    },
  }
  await new Promise<void>((resolve) => listener.listen(0, host, resolve))
  state.port = (listener.address() as net.AddressInfo).port
  return state
}

export function redirectTo(location: string, status = 302): Answer {
  return (_request, socket) =>
    socket.write(`HTTP/1.1 ${status} Moved\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`)
}

/** A proxy that forwards requests and tunnels to a fixed port of this machine, and keeps their first lines. */
export async function proxyServer(targetPort: () => number, identity?: { cert: string; key: string }) {
  const seen: string[] = []
  const sockets = new Set<net.Socket>()
  const onClient = (client: net.Socket) => {
    sockets.add(client)
    client.on("error", () => client.destroy())
    client.on("data", (data) => {
      if (/^[A-Z]+ \S+ HTTP/.test(data.toString("latin1"))) seen.push(data.toString("latin1"))
    })
    client.once("data", (head) => {
      const upstream = net.connect(targetPort(), "127.0.0.1")
      sockets.add(upstream)
      upstream.on("error", () => client.destroy())
      if (head.toString("latin1").startsWith("CONNECT ")) client.write("HTTP/1.1 200 Connection Established\r\n\r\n")
      else upstream.write(head)
      client.pipe(upstream).pipe(client)
    })
  }
  const listener = identity ? tls.createServer(identity, onClient) : net.createServer(onClient)
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve))
  return {
    port: (listener.address() as net.AddressInfo).port,
    seen,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => listener.close(() => resolve()))
    },
  }
}

/** The code of whatever a promise rejects with; fails the test when it resolves. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await failureOf(work)
  return "code" in error ? String(error.code) : `no code: ${error.name} ${error.message}`
}

export async function failureOf(work: Promise<unknown>): Promise<Error> {
  const outcome = await work.then(
    () => "resolved",
    (error: unknown) => error,
  )
  if (outcome instanceof Error) return outcome
  throw new Error(`Expected a failure, but: ${String(outcome)}`)
}
