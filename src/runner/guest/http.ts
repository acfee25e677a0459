import type { RunFacts } from "../protocol.ts"
import type { Channel } from "./channel.ts"
import { HttpError, statusError } from "./errors.ts"
import type { HttpResponse } from "./errors.ts"
import { buildRequest, readRequest } from "./request.ts"
import { decode, lowerCased, recorded } from "./response.ts"

export type SendHttp = (config: unknown) => Promise<HttpResponse>

/** One logical request through the daemon; resolves with an axios-shaped response, rejects as axios does. */
export function createSend(
  channel: Channel,
  parse: (text: string) => unknown,
  fixtures?: RunFacts["fixtures"],
): SendHttp {
  return async (given) => {
    channel.check()
    const config = readRequest(given)
    const { input, body } = await buildRequest(config)
    const shown = { ...config, method: input.method, url: input.endpoint, headers: input.headers }
    let answer
    try {
      answer = await channel.call("proxy.send", input, body)
    } catch (error) {
      if (error instanceof HttpError) {
        const request = { method: input.method }
        throw new HttpError(error.message, { code: error.code, config: shown, request })
      }
      throw error
    }
    const head = answer.output as {
      status: number
      statusText?: string
      headers?: Record<string, unknown>
      url?: string
    }
    const response: HttpResponse = {
      data: (fixtures ? recorded : decode)(answer.body, input.responseType, parse),
      status: head.status,
      statusText: head.statusText ?? "",
      headers: lowerCased(head.headers ?? {}),
      config: shown,
      request: { method: input.method, responseURL: head.url },
    }
    if ((response.status >= 200 && response.status < 300) || fixtures === "loose") return response
    throw statusError(response)
  }
}
