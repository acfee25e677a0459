import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import type { Answer, Call } from "./answers.ts"
import { bodyText, jsonAnswer, pause, queryObject, readInt } from "./answers.ts"
import { fakeErrors } from "./model.ts"
import { makeRandom } from "./random.ts"

const CHUNK_BYTES = 64 * 1024
const MAX_BYTES = 1024 * 1024 * 1024
const MAX_DELAY_MS = 600_000

type Handler = (call: Call, rest: string, seed: number) => Answer | Promise<Answer>

const HANDLERS: Record<string, Handler> = {
  echo: answerEcho,
  headers: (call) => jsonAnswer(200, { headers: call.headers }),
  status: (call, rest) => answerStatus(call, rest),
  bytes: (call, rest, seed) => answerBytes(call, rest, seed),
  gzip: answerCompressed,
  redirect: answerRedirect,
  slow: async (call) => {
    await pause(readInt(call.query, "ms", 1000, 0, MAX_DELAY_MS), call.signal)
    return answerEcho(call)
  },
  drip: answerDrip,
  sse: answerEvents,
  broken: answerBroken,
}

/** Answers the endpoints that show or bend HTTP itself: `/echo`, `/status/:code`, `/broken`, …; else `undefined`. */
export function answerEchoes(call: Call, seed: number): Answer | Promise<Answer> | undefined {
  const [, name = "", rest = ""] = /^\/([a-z]+)(?:\/(.*))?$/.exec(call.path) ?? []
  return Object.hasOwn(HANDLERS, name) ? HANDLERS[name]?.(call, rest, seed) : undefined
}

function answerEcho(call: Call): Answer {
  const { method, path, query, headers } = call
  return jsonAnswer(200, {
    method,
    path,
    query: queryObject(query),
    headers,
    ...bodyText(call.body),
  })
}

function answerStatus(call: Call, rest: string): Answer {
  const status = readInt(new URLSearchParams({ status: rest }), "status", 200, 200, 599)
  if (status === 204 || status === 304) return { status }
  const wait = call.query.get("retry_after")
  return jsonAnswer(status, { status, method: call.method }, wait === null ? {} : { "retry-after": wait })
}

function answerBytes(call: Call, rest: string, seed: number): Answer {
  const size = readInt(new URLSearchParams({ size: rest }), "size", 0, 0, MAX_BYTES)
  const headers = { "content-type": "application/octet-stream" }
  return {
    status: 200,
    headers,
    claimLength: size,
    stream: streamBytes(size, seed),
  }
}

/** Random bytes of the seed; each chunk begins with its number, so that a lost or swapped one shows. */
async function* streamBytes(size: number, seed: number): AsyncGenerator<Uint8Array> {
  const block = Buffer.from(makeRandom(seed, "bytes").hex(CHUNK_BYTES * 2), "hex")
  for (let sent = 0; sent < size; sent += CHUNK_BYTES) {
    const chunk = Buffer.from(block)
    chunk.writeUInt32BE(sent / CHUNK_BYTES, 0)
    yield chunk.subarray(0, Math.min(CHUNK_BYTES, size - sent))
  }
}

function answerCompressed(call: Call): Answer {
  const encoding = call.query.get("encoding") ?? "gzip"
  const body = JSON.stringify({
    compressed: true,
    encoding,
    text: "x".repeat(readInt(call.query, "size", 1000, 0, 1e8)),
  })
  const codecs: Record<string, (text: string) => Uint8Array> = {
    gzip: (text) => gzipSync(text),
    deflate: (text) => deflateSync(text),
    br: (text) => brotliCompressSync(text),
  }
  const compress = Object.hasOwn(codecs, encoding) ? codecs[encoding] : undefined
  if (!compress)
    throw fakeErrors.invalid_parameter({
      message: "encoding must be gzip, deflate or br",
    })
  const headers = {
    "content-type": "application/json",
    "content-encoding": encoding,
  }
  return { status: 200, headers, body: compress(body) }
}

/** `to` may be a path or a URL; `/redirect/3` hops three times and ends at `/echo`. */
function answerRedirect(call: Call, rest: string): Answer {
  const status = readInt(call.query, "code", 302, 300, 399)
  const left = rest === "" ? 1 : readInt(new URLSearchParams({ left: rest }), "left", 1, 1, 1000)
  const end = call.query.get("to") ?? "/echo"
  if (left > 1)
    return {
      status,
      headers: {
        location: `${call.base}/redirect/${left - 1}?${call.query.toString()}`,
      },
    }
  if (!end.startsWith("/") && !URL.canParse(end)) {
    throw fakeErrors.invalid_parameter({
      message: "to must be a path or a URL",
    })
  }
  return {
    status,
    headers: {
      location: end.startsWith("/") ? `${call.base}${end}` : new URL(end).href,
    },
  }
}

function answerDrip(call: Call): Answer {
  const chunks = readInt(call.query, "chunks", 5, 0, 100_000)
  const ms = readInt(call.query, "ms", 100, 0, MAX_DELAY_MS)
  const stream = (async function* () {
    for (let index = 0; index < chunks; index++) {
      if (index > 0) await pause(ms, call.signal)
      yield `chunk ${index}\n`
    }
  })()
  return {
    status: 200,
    headers: { "content-type": "text/plain; charset=utf-8" },
    stream,
  }
}

function answerEvents(call: Call): Answer {
  const count = readInt(call.query, "n", 5, 0, 100_000)
  const ms = readInt(call.query, "ms", 100, 0, MAX_DELAY_MS)
  const stream = (async function* () {
    for (let index = 0; index < count; index++) {
      if (index > 0) await pause(ms, call.signal)
      yield `id: ${index}\nevent: tick\ndata: ${JSON.stringify({ index })}\n\n`
    }
  })()
  return {
    status: 200,
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
    },
    stream,
  }
}

function answerBroken(call: Call): Answer {
  const json = { "content-type": "application/json; charset=utf-8" }
  const whole = JSON.stringify({
    data: Array.from({ length: 20 }, (_, index) => ({ index })),
  })
  const modes: Record<string, Answer> = {
    reset: { status: 200, cut: "reset" },
    hang: { status: 200, cut: "hang" },
    truncate: { status: 200, headers: json, body: whole, cut: "truncate" },
    badjson: { status: 200, headers: json, body: whole.slice(0, -10) },
    html: {
      status: 200,
      headers: { "content-type": "text/html" },
      body: "<!doctype html><title>Down</title><p>Sorry.</p>",
    },
    wronglength: {
      status: 200,
      headers: json,
      body: whole,
      claimLength: whole.length + 100,
    },
  }
  const mode = call.query.get("mode") ?? "reset"
  const answer = Object.hasOwn(modes, mode) ? modes[mode] : undefined
  if (!answer)
    throw fakeErrors.invalid_parameter({
      message: `mode must be one of ${Object.keys(modes).join(", ")}`,
    })
  return answer
}
