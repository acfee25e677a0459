import { renderTree } from "../providers/template.ts"
import type { AuthCtx, AuthTarget } from "./mode.ts"
import { renderTexts, renderUrl, scopeOf } from "./scope.ts"
import { requestToken, type TokenAnswer, type TokenFormat, type TokenRequest } from "./token-request.ts"

export type Step = {
  url: string
  method?: "GET" | "POST"
  format?: TokenFormat
  params?: Record<string, unknown>
  headers?: Record<string, unknown>
  okStatus: readonly number[]
  refused: TokenRequest["refused"]
}

/** One request of a login, with its templates filled in. What cannot be completed is left out of body and headers. */
export function sendStep(
  ctx: AuthCtx,
  target: AuthTarget,
  step: Step,
  names: { credentials: Record<string, unknown>; more: Record<string, unknown> },
): Promise<TokenAnswer> {
  const scope = scopeOf(ctx, target, names)
  // A page that an earlier step named is a whole URL, not a value inside one.
  const url = renderUrl(step.url, scope)
  const headers = renderTexts(step.headers, scope, "string")
  const method = step.method ?? "POST"
  const params = step.params && (renderTree(step.params, scope, { engine: "string" }) as Record<string, unknown>)
  return requestToken(ctx, {
    url: url.href,
    method,
    format: step.format ?? "json",
    params: params ?? (method === "POST" && (step.format ?? "json") === "json" && step.params ? {} : undefined),
    headers,
    okStatus: step.okStatus,
    secrets: textsIn([names, headers]),
    refused: step.refused,
  })
}

/** Every text inside, so that an error can be kept free of them. Short ones are no secrets worth the false alarms. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return value.length >= 6 ? [value] : []
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : []
}
