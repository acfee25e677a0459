import type { Logger } from "pino"
import { AppError, defineFaults } from "../kit/errors.ts"

export const httpFaults = defineFaults({
  not_found: [404, "There is nothing at this path."],
  invalid_json: [400, "The body is not valid JSON."],
  invalid_content_type: [415, "Content-Type header must be application/json"],
  body_too_large: [413, "The body is too large."],
  too_many_request: [429, ""],
  invalid_body: [400, ""],
  invalid_query_params: [400, ""],
  invalid_uri_params: [400, ""],
  invalid_headers: [400, ""],
})

/** Any thrown thing → status and body. Whatever is not an AppError says only a request id; the log has the rest. */
export function toResponse(error: unknown, context: { requestId: string; log: Logger }): Response {
  if (!(error instanceof AppError)) {
    context.log.error({ err: error, requestId: context.requestId }, "a request failed unexpectedly")
    return json(500, {
      error: {
        code: "server_error",
        message: `Something went wrong on our side. The request id is ${context.requestId}.`,
        payload: { request_id: context.requestId },
      },
    })
  }
  return json(error.status, { ...error.details.top, error: envelope(error) }, error.details.headers)
}

function envelope(error: AppError): Record<string, unknown> {
  const { errors, payload, extra } = error.details
  const body: Record<string, unknown> = { code: error.code }
  if (error.hasMessage) body.message = error.message
  if (errors) body.errors = errors
  if (payload !== undefined) body.payload = payload
  return { ...body, ...extra }
}

export function json(status: number, body: unknown, headers?: Record<string, string>): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
  })
}
