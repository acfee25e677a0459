import type { IncomingMessage, ServerResponse } from "node:http"
import type { Answer, Call } from "./answers.ts"
import { fakeErrors } from "./model.ts"

const MAX_BODY_BYTES = 64 * 1024 * 1024
const HOST = /^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i

/**
 * Reads a request whole. Links are made for the host that the client named, so that they also work from another
 * container; `ownUrl` stands in when there is none.
 */
export async function readCall(req: IncomingMessage, ownUrl: string, signal: AbortSignal): Promise<Call> {
  const host = req.headers.host ?? ""
  const target = req.url ?? "/"
  // Joined as text: as a reference, a path of `//name/` would be taken for a host.
  const url = new URL(target.startsWith("/") ? `${ownUrl}${target}` : target)
  return {
    method: (req.method ?? "GET").toUpperCase(),
    url: target,
    path: url.pathname,
    query: url.searchParams,
    headers: flatHeaders(req),
    body: await readBody(req),
    base: HOST.test(host) ? `http://${host}` : ownUrl,
    signal,
  }
}

function flatHeaders(req: IncomingMessage): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(req.headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(", ") : value
  }
  return flat
}

async function readBody(req: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > MAX_BODY_BYTES) throw fakeErrors.body_too_large({ headers: { connection: "close" } })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Puts an answer on the wire; true when it went out whole. */
export async function sendAnswer(res: ServerResponse, answer: Answer, isHead: boolean, signal: AbortSignal) {
  if (signal.aborted) return false
  if (answer.cut === "hang") await waitForAbort(signal)
  if (answer.cut === "reset" || answer.cut === "hang") {
    res.socket?.resetAndDestroy()
    return false
  }
  if (answer.stream) return sendStream(res, answer, answer.stream, isHead, signal)

  const body = Buffer.from(answer.body ?? "")
  const mayHaveBody = answer.status !== 204 && answer.status !== 304
  const length = answer.claimLength ?? body.byteLength
  res.writeHead(answer.status, {
    ...answer.headers,
    ...(mayHaveBody ? { "content-length": String(length) } : {}),
  })
  if (answer.cut === "truncate" || length > body.byteLength) {
    const part = answer.cut === "truncate" ? body.subarray(0, Math.floor(body.byteLength / 2)) : body
    return sendPart(res, part)
  }
  res.end(isHead || !mayHaveBody ? undefined : body)
  return true
}

async function sendPart(res: ServerResponse, part: Uint8Array): Promise<boolean> {
  await new Promise((resolve) => res.write(part, resolve))
  res.socket?.destroy()
  return false
}

async function sendStream(
  res: ServerResponse,
  answer: Answer,
  stream: AsyncIterable<string | Uint8Array>,
  isHead: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const length = answer.claimLength === undefined ? {} : { "content-length": String(answer.claimLength) }
  res.writeHead(answer.status, { ...answer.headers, ...length })
  if (isHead) {
    res.end()
    return true
  }
  // The head goes out before the first piece: that is what clients of slow bodies are tested with.
  res.flushHeaders()
  for await (const chunk of stream) {
    if (signal.aborted) return false
    if (!res.write(chunk)) await waitForDrain(res, signal)
    if (answer.cut === "truncate") break
  }
  if (answer.cut === "truncate") {
    res.socket?.destroy()
    return false
  }
  res.end()
  return true
}

function waitForAbort(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }))
}

function waitForDrain(res: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off("drain", done)
      signal.removeEventListener("abort", done)
      resolve()
    }
    res.once("drain", done)
    signal.addEventListener("abort", done)
    if (signal.aborted) done()
  })
}
