import { makeAssertion } from "../assertion.ts"
import type { Credentials } from "../credentials.ts"
import { authFaults } from "../faults.ts"
import { signRecipe } from "../jwt-recipe.ts"
import type { AuthCtx, AuthTarget, Mode, Obtained } from "../mode.ts"
import { tokenUrlOf } from "../oauth2-exchange.ts"
import { scopeOf } from "../scope.ts"
import { metadataOf } from "../token-answer.ts"
import type { TokenAnswer } from "../token-request.ts"
import { capturedHeaders, readTwoStep } from "../two-step-answer.ts"
import { sendStep, type Step } from "../two-step-request.ts"
import { readFields, sharedFields } from "../typed.ts"

/** A login of the provider's own: typed values for a token, in one request or several. */
export const twoStep: Mode = {
  stores: ["TWO_STEP"],
  verified: false,
  open: ["username", "email"],
  async typed(ctx, target, input) {
    const { assertion_option: once } = target.provider
    const options = (input as { assertionOption?: unknown } | undefined)?.assertionOption
    const given = once && typeof options === "object" && options !== null ? { ...options } : undefined
    return logIn(ctx, target, readFields(target, input), given)
  },
  async renew(ctx, target, stored) {
    const {
      type: _,
      token: __,
      refresh_token,
      expires_at: ___,
      raw: ____,
      ...inputs
    } = stored as Record<string, unknown>
    const { refresh_token_params, refresh_token_headers } = target.provider
    const canRefresh = refresh_token_params !== undefined || refresh_token_headers !== undefined
    if (!canRefresh || typeof refresh_token !== "string") return logIn(ctx, target, inputs, undefined)
    return refresh(ctx, target, inputs, refresh_token)
  },
}

type Inputs = Record<string, unknown>

/** The whole sequence. Steps after the first may use the answers of those before; the last answer holds the token. */
async function logIn(ctx: AuthCtx, target: AuthTarget, inputs: Inputs, options: Inputs | undefined): Promise<Obtained> {
  const { provider } = target
  const credentials = { ...inputs, ...sharedFields(target) }
  const assertion = makeAssertion(ctx, target, credentials, options)
  const all = assertion === undefined ? credentials : { ...credentials, assertion }
  const token = provider.signature
    ? signRecipe(provider, scopeOf(ctx, target, { credentials: all }), ctx.now()).token
    : undefined
  const first: Step = {
    url: tokenUrlOf(provider, "TWO_STEP"),
    method: provider.token_request_method,
    format: provider.body_format,
    params: provider.token_params,
    headers: provider.token_headers,
    okStatus: [200, 201],
    refused: authFaults.two_step_credentials_fetch_error,
  }
  let answer = await sendStep(ctx, target, first, { credentials: all, more: { token } })
  const captured = capturedHeaders(answer.headers, provider.token_response_headers)
  const steps: Inputs = { step1: answer.body }
  for (const [index, step] of (provider.additional_steps ?? []).entries()) {
    const refused = invalidStep(index + 1)
    const { token_url: url, token_request_method: method, token_params: params, token_headers: headers } = step
    const next: Step = { url, method, format: step.body_format, params, headers, okStatus: [200], refused }
    answer = await sendStep(ctx, target, next, { credentials: all, more: { token, ...steps } })
    steps[`step${index + 2}`] = answer.body
  }
  const kept = { ...inputs, ...captured, ...(assertion === undefined ? {} : { assertion }) }
  return finish(ctx, target, kept, answer)
}

const invalidStep =
  (number: number): Step["refused"] =>
  (details) =>
    authFaults.invalid_two_step_credentials({
      ...details,
      message: `Step ${number} after the first was refused. ${details?.message ?? ""}`.trim(),
      payload: { ...(details?.payload as object), step: number },
    })

async function refresh(ctx: AuthCtx, target: AuthTarget, inputs: Inputs, refreshToken: string): Promise<Obtained> {
  const { provider } = target
  const step: Step = {
    url: provider.refresh_url ?? tokenUrlOf(provider, "TWO_STEP"),
    format: provider.body_format,
    params: provider.refresh_token_params,
    headers: provider.refresh_token_headers,
    okStatus: [200, 201],
    refused: authFaults.two_step_credentials_fetch_error,
  }
  const credentials = { ...inputs, ...sharedFields(target) }
  const answer = await sendStep(ctx, target, step, { credentials, more: { refresh_token: refreshToken } })
  const obtained = finish(
    ctx,
    target,
    { ...inputs, ...capturedHeaders(answer.headers, provider.token_response_headers) },
    answer,
  )
  // What the answer leaves out stays.
  return { ...obtained, credentials: { refresh_token: refreshToken, ...obtained.credentials } as Credentials }
}

function finish(ctx: AuthCtx, target: AuthTarget, kept: Inputs, answer: TokenAnswer): Obtained {
  const { provider } = target
  const read = readTwoStep(provider, answer.body, ctx.now())
  const credentials = { ...kept, type: "TWO_STEP" as const, ...read, raw: answer.body }
  return { credentials, connectionConfig: metadataOf(answer.body, provider.token_response_metadata) }
}
