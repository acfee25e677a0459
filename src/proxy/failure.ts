import { AppError, messageOf } from "../kit/errors.ts"
import { EgressError } from "../kit/fetch.ts"
import type { Operation } from "../logs/log.ts"
import type { HeadersIn } from "./headers-in.ts"
import { faults } from "./model.ts"

type Failed = { operation: Operation; headers: HeadersIn; request: Request }

/**
 * What the caller hears of a request that got no answer: a refusal of ours is thrown on as a fault, the network's
 * failure becomes the JSON that callers of the original know. Ends the operation.
 */
export function explainFailure(error: unknown, { operation, headers, request }: Failed): Response {
  if (request.signal.aborted) {
    operation.close("cancelled", { code: "caller_left", message: "The caller went away." })
    // Nobody is there to read it.
    return new Response(null, { status: 499 })
  }
  const known = error instanceof EgressError ? refusalOf(error, headers) : error
  const code = known instanceof AppError || known instanceof EgressError ? known.code : "server_error"
  operation.close("failed", { code, message: code === "server_error" ? "The request failed." : messageOf(known) })
  if (known instanceof EgressError) return networkAnswer(known, request.method)
  throw known
}

/** What the gate does not let through is the caller's mistake, anything else the network's. */
function refusalOf(error: EgressError, { given }: HeadersIn): unknown {
  const { code, message } = error
  if (code === "proxy_redirect_to_denied_host") return faults.proxy_redirect_to_denied_host({ message })
  if (code === "invalid_request") return faults.invalid_request({ message })
  if (code !== "url_not_allowed") return error
  return given["base-url-override"] === undefined
    ? faults.url_not_allowed({ message })
    : faults.base_url_override_not_allowed({ message })
}

function networkAnswer({ code, message, host }: EgressError, method: string): Response {
  const body = {
    message,
    name: "NetworkError",
    code,
    status: null,
    method: method.toLowerCase(),
    host,
    error: { code, message },
  }
  return new Response(JSON.stringify(body), {
    status: 500,
    headers: { "content-type": "application/json; charset=utf-8" },
  })
}
