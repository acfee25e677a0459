import { bodyData, identifyFetch, identifyRequest, type RequestIdentity } from "../fixtures/identity.ts"
import { EgressError } from "../kit/egress-error.ts"
import { AppError } from "../kit/errors.ts"
import type { CallInput } from "../runner/calls.ts"
import type { Payload } from "../runner/protocol.ts"
import type { Dry, DryAnswer } from "./dry-host.ts"

type Head = { status: number; headers?: Record<string, unknown> }
type Sent = { identity: RequestIdentity; responseType?: CallInput<"proxy.send">["responseType"] }

/** A request of the function, sent for real and told to whoever watches. */
export function observeSend(dry: Dry, input: CallInput<"proxy.send">, body: Payload | undefined): Promise<DryAnswer> {
  const sent = { identity: identifyRequest(input, body), responseType: input.responseType }
  return observe(dry, sent, () => dry.real("proxy.send", input, body))
}

export function observeFetch(dry: Dry, input: CallInput<"fetch.raw">, body: Payload | undefined): Promise<DryAnswer> {
  return observe(dry, { identity: identifyFetch(input, body) }, () => dry.real("fetch.raw", input, body))
}

async function observe({ options, run }: Dry, sent: Sent, send: () => Promise<DryAnswer>): Promise<DryAnswer> {
  const { method, path, params, headers, body } = sent.identity
  const query = new URLSearchParams(params).toString()
  const shown = { event: "request", method: method.toUpperCase(), path: query ? `${path}?${query}` : path } as const
  const started = run.ctx.now().getTime()
  const durationMs = () => run.ctx.now().getTime() - started
  let answer: DryAnswer
  try {
    answer = await send()
  } catch (error) {
    // Told and thrown on: the function decides what it means.
    await options.emit({ ...shown, error: describe(error), durationMs: durationMs() })
    throw error
  }
  const { status, headers: responseHeaders = {} } = answer.output as Head
  await options.emit({ ...shown, status, durationMs: durationMs() })
  if (options.record) {
    const data = bodyData(body)
    const response = seenAs(answer.body, sent.responseType)
    await options.emit({ event: "exchange", method, path, params, headers, data, status, responseHeaders, response })
  }
  return answer
}

const describe = (error: unknown): string =>
  error instanceof AppError || error instanceof EgressError ? error.message : "the request failed"

/** The data of an answer as the function gets it, in a form that JSON can keep. */
function seenAs(body: Payload | undefined, type: Sent["responseType"]): unknown {
  if (type === "arraybuffer" || type === "blob" || type === "stream") return Buffer.from(body ?? "")
  const text = typeof body === "string" ? body : new TextDecoder().decode(body)
  if (type === "text" || type === "document" || text === "") return text
  // Not JSON is a normal answer.
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
