import type { Provider } from "../providers/model.ts"
import { carriesBody, formType, mediaType } from "./body.ts"
import { signsBody } from "./build.ts"
import { faults, type ProxyBody } from "./model.ts"
import { readParts } from "./parts.ts"

export type BodyInOptions = {
  provider: Provider
  /** The content type that the provider is to see, when it is not the caller's own. */
  forwardedType?: string
  retries: number
  /** A body up to this size is kept for repetitions. */
  replayBytes: number
  /** A body that has to be looked into may be as large as this. */
  wholeBytes: number
}
export type BodyIn = { body: ProxyBody; contentType?: string }

/** Bodies whose announced length is at most this are read at once: streaming them would cost more than it saves. */
const smallBytes = 64 * 1024

/**
 * The body of a gateway request. It goes out as it came; it is held in memory only when it may have to be sent again,
 * and then up to `replayBytes`, or when the provider's entry changes or signs it. Throws `body_too_large` for one that
 * would have to be changed or signed.
 */
export async function readBodyIn(request: Request, options: BodyInOptions): Promise<BodyIn> {
  const own = request.headers.get("content-type") ?? undefined
  const announced = request.headers.get("content-length")
  if (!carriesBody(request.method)) return { body: { kind: "none" }, contentType: options.forwardedType }
  const contentType = chooseType(own, options.forwardedType)
  if (announced === "0" || (announced === null && request.body === null)) return { body: { kind: "none" }, contentType }
  const changes = options.provider.proxy?.body !== undefined || turnsJson(own, contentType)
  const sizeBytes = announced === null ? undefined : Number(announced)
  const body = await takeBody(request, { changes, signs: signsBody(options.provider), sizeBytes }, options)
  if (!changes || body.kind !== "bytes") return { body, contentType }
  return { body: await readMembers(body.bytes, own), contentType }
}

type Need = { changes: boolean; signs: boolean; sizeBytes: number | undefined }

async function takeBody(request: Request, need: Need, options: BodyInOptions): Promise<ProxyBody> {
  const { sizeBytes } = need
  // Amazon's signature can leave the body out, so there a large one is no reason to refuse.
  const isWhole = need.changes || need.signs || options.provider.auth_mode === "AWS_SIGV4"
  const limit = isWhole ? options.wholeBytes : options.retries > 0 ? options.replayBytes : smallBytes
  if (sizeBytes !== undefined && sizeBytes <= limit) return { kind: "bytes", bytes: await request.bytes(), asIs: true }
  const stream = request.body as ReadableStream<Uint8Array>
  if (!isWhole && (sizeBytes !== undefined || options.retries === 0)) return { kind: "stream", stream, sizeBytes }
  const begun = sizeBytes === undefined ? await readUpTo(stream, limit) : { rest: stream }
  if (begun.rest === undefined) return { kind: "bytes", bytes: begun.bytes, asIs: true }
  if (need.changes || need.signs) throw faults.body_too_large()
  return { kind: "stream", stream: begun.rest, sizeBytes }
}

/** Reads a stream of unknown length; `rest` is the whole of it again when it goes on beyond `limit`. */
async function readUpTo(stream: ReadableStream<Uint8Array>, limit: number) {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  while (size <= limit) {
    const { done, value } = await reader.read()
    if (done) return { bytes: new Uint8Array(Buffer.concat(chunks)), rest: undefined }
    chunks.push(value)
    size += value.byteLength
  }
  const rest = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = chunks.shift() ?? (await reader.read()).value
        if (next) controller.enqueue(next)
        else controller.close()
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return { bytes: undefined, rest }
}

/** The bytes in the form that members can be merged into; what cannot be read so goes out as it came. */
async function readMembers(bytes: Uint8Array, contentType: string | undefined): Promise<ProxyBody> {
  const type = mediaType(contentType)
  if (type === "application/json" || type.endsWith("+json"))
    return { kind: "json", text: new TextDecoder().decode(bytes) }
  if (type === formType) return { kind: "form", entries: [...new URLSearchParams(new TextDecoder().decode(bytes))] }
  const parts = type === "multipart/form-data" ? await readParts(bytes, contentType) : undefined
  return parts ? { kind: "multipart", parts } : { kind: "bytes", bytes, asIs: true }
}

/** The type that the caller wants the provider to see; a multipart type without its boundary would be of no use. */
function chooseType(own: string | undefined, forwarded: string | undefined): string | undefined {
  if (!forwarded || mediaType(forwarded) !== "multipart/form-data" || forwarded.includes(";")) return forwarded || own
  return mediaType(own) === "multipart/form-data" ? own : forwarded
}

/** Clients write the body as JSON when they do not know the type that the caller asked for. */
function turnsJson(own: string | undefined, chosen: string | undefined): boolean {
  if (mediaType(own) !== "application/json") return false
  const type = mediaType(chosen)
  return type === formType || (type === "multipart/form-data" && !chosen?.includes(";"))
}
