import type { CallInput } from "../calls.ts"
import { asRefusal, readObject, readOptionalText, readText, refuse } from "./arguments.ts"
import type { Channel } from "./channel.ts"
import { ActionError, HttpError } from "./errors.ts"
import { textHeaders } from "./request.ts"

/** What the gate calls a refusal → what functions know it by. */
const policyCodes: Record<string, string> = {
  url_not_allowed: "url_not_allowed",
  proxy_redirect_to_denied_host: "url_not_allowed",
  too_many_redirects: "too_many_redirects",
  invalid_redirect: "invalid_redirect",
}

type Head = {
  status: number
  statusText?: string
  headers?: Record<string, string | string[]>
  url?: string
  redirected?: boolean
}

/** `nango.uncontrolledFetch`: a request without credentials and without retries, answered with a fetch Response. */
export async function rawFetch(channel: Channel, options: unknown): Promise<Response> {
  channel.check()
  const { input, body } = readFetch(options)
  try {
    const answer = await channel.call("fetch.raw", input, body)
    return toResponse(answer.output as Head, answer.body, input.url)
  } catch (error) {
    throw toFetchError(error)
  }
}

function readFetch(options: unknown): { input: CallInput<"fetch.raw">; body: string | Uint8Array | undefined } {
  const { url, method, headers, body } = readObject(options, "its options")
  try {
    if (!(url instanceof URL)) throw refuse('"url" must be a URL object')
    const sent = toBody(body)
    const all = textHeaders(headers)
    if (sent.type !== undefined) all["content-type"] ??= sent.type
    const verb = readOptionalText(method, '"method"') ?? "GET"
    return { input: { url: url.href, method: verb.toUpperCase(), headers: all }, body: sent.body }
  } catch (error) {
    throw asRefusal(error, "the request")
  }
}

/** With the content types that fetch gives to a body when the caller names none. */
function toBody(body: unknown): { body?: string | Uint8Array; type?: string } {
  if (body === undefined || body === null) return {}
  if (ArrayBuffer.isView(body)) {
    return { body: new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice() }
  }
  if (body instanceof URLSearchParams) {
    return { body: body.toString(), type: "application/x-www-form-urlencoded;charset=UTF-8" }
  }
  return { body: readText(body, '"body"'), type: "text/plain;charset=UTF-8" }
}

/** Refusals of the gate are the function's to handle; a network that fails is what fetch throws. */
function toFetchError(error: unknown): unknown {
  const { code, message } = error as { code?: string; message?: string }
  const refusal = code === undefined ? undefined : policyCodes[code]
  if (refusal !== undefined) return new ActionError({ code: refusal, message })
  return error instanceof HttpError ? Object.assign(new TypeError("fetch failed", { cause: error }), { code }) : error
}

function toResponse(head: Head, body: string | Uint8Array | undefined, url: string): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(head.headers ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one)
  }
  const empty = head.status === 204 || head.status === 205 || head.status === 304
  const isPlain = head.status >= 200 && head.status <= 599
  const init = { status: isPlain ? head.status : 200, statusText: head.statusText ?? "", headers }
  const response = new Response(empty ? null : (body as string), init)
  // A Response cannot be made with a status such as 999, which some servers do send.
  if (!isPlain) Object.defineProperties(response, { status: { value: head.status }, ok: { value: false } })
  Object.defineProperty(response, "url", { value: head.url ?? url })
  Object.defineProperty(response, "redirected", { value: head.redirected === true })
  return response
}
