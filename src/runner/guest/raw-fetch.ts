import type { Channel } from "./channel.ts"
import { ActionError } from "./errors.ts"
import { textHeaders } from "./http.ts"

const policyCodes = new Set([
  "url_not_allowed",
  "proxy_redirect_to_denied_host",
  "too_many_redirects",
  "invalid_redirect",
])

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
  const { url, method, headers, body } = (options ?? {}) as Record<string, unknown>
  if (!(url instanceof URL)) throw new Error('uncontrolledFetch needs "url" to be a URL object')
  const input = { url: url.href, method: String(method ?? "GET").toUpperCase(), headers: textHeaders(headers) }
  let answer
  try {
    answer = await channel.call("fetch.raw", input, toBody(body))
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string }
    if (code !== undefined && policyCodes.has(code)) throw new ActionError({ code, message })
    throw error
  }
  return toResponse(answer.output as Head, answer.body, url.href)
}

function toBody(body: unknown): string | Uint8Array | undefined {
  if (body === undefined || body === null) return undefined
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice()
  return String(body)
}

function toResponse(head: Head, body: string | Uint8Array | undefined, url: string): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(head.headers ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one)
  }
  const empty = head.status === 204 || head.status === 205 || head.status === 304
  const response = new Response(empty ? null : (body as string), {
    status: head.status,
    statusText: head.statusText ?? "",
    headers,
  })
  Object.defineProperty(response, "url", { value: head.url ?? url })
  Object.defineProperty(response, "redirected", { value: head.redirected === true })
  return response
}
