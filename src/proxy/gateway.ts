import type { Ctx } from "../app/context.ts"
import { findConnection, findConnectionById, type FoundConnection } from "../connections/connections.ts"
import { findIntegration } from "../integrations/integrations.ts"
import { AppError } from "../kit/errors.ts"
import { rememberOf } from "../kit/remember.ts"
import { sleep } from "../kit/wait.ts"
import type { Operation } from "../logs/log.ts"
import type { Provider } from "../providers/model.ts"
import { readBodyIn } from "./body-in.ts"
import { explainFailure } from "./failure.ts"
import { type HeadersIn, type ProxyHeaders, readProxyHeaders } from "./headers-in.ts"
import { faults, type ProxyCall } from "./model.ts"
import { sendProxied, type ProxyAnswer, type SendTools } from "./send.ts"
import { checkOverride, type HeldTarget, holdFound, isStillHeld } from "./target.ts"

export type GatewayInput = {
  request: Request
  /** What stands behind `/proxy` in the path, as it was asked for. */
  rest: string
  /** Without `?`. */
  query: string
}

/** Answers up to this size are passed on in one piece, with their length. */
const wholeBytes = 64 * 1024

/**
 * Passes a request on to the provider of a connection and gives back what it answers: status, headers but those of the
 * connection itself, and body as they come. Throws the gateway's own refusals (`invalid_headers`,
 * `unknown_provider_config`, `server_error`, …); a provider that cannot be reached is an answer with status 500.
 */
export async function passToProvider(ctx: Ctx, input: GatewayInput): Promise<Response> {
  const { request } = input
  const headers = readProxyHeaders(request.headers)
  const found = await findNamed(ctx, headers.given)
  const operation = openOperation(ctx, input, found)
  try {
    checkOverride(ctx, headers.given["base-url-override"])
    const held = await hold(ctx, found)
    const { provider } = held.target
    const call = await makeCall(ctx, input, headers, provider)
    const answer = await sendProxied(toolsOf(ctx, operation, held), {
      ...held.target,
      call,
      signal: request.signal,
      transport: {
        decompress: isDecoded(call, provider),
        // The time that a large body takes on its way says nothing about the provider.
        timeoutMs: call.body.kind === "stream" ? Number.POSITIVE_INFINITY : ctx.config.proxyTimeoutSeconds * 1000,
        // How long a silent stream stays open is for caller and provider to say.
        idleTimeoutMs: Number.POSITIVE_INFINITY,
        wholeBytes,
        passOn: true,
      },
    })
    return closeWith(operation, answer)
  } catch (error) {
    return explainFailure(error, { operation, headers, request })
  }
}

async function findNamed(ctx: Ctx, given: ProxyHeaders): Promise<FoundConnection> {
  const name = { providerConfigKey: given["provider-config-key"], connectionId: given["connection-id"] }
  const found = await findConnection(ctx, name)
  if (found) return found
  if (await findIntegration(ctx, name.providerConfigKey)) throw faults.server_error()
  throw faults.unknown_provider_config()
}

/** Credentials that could not be renewed have one public code, whatever went wrong; only "not yet again" has its own. */
async function hold(ctx: Ctx, found: FoundConnection): Promise<HeldTarget> {
  try {
    return await holdFound(ctx, found)
  } catch (error) {
    if (!(error instanceof AppError) || error.status === 424 || error.code === "unknown_provider") throw error
    const message = `Failed to get connection credentials: '${error.message || error.code}'`
    throw new AppError("server_error", error.status, message, { cause: error })
  }
}

function openOperation(
  ctx: Ctx,
  { request, rest }: GatewayInput,
  { integration, connection }: FoundConnection,
): Operation {
  return ctx.logs.open({
    environmentId: ctx.environment.id,
    type: "proxy",
    action: "call",
    message: `${request.method} ${rest || "/"}`.slice(0, 500),
    integration: integration.unique_key,
    provider: integration.provider,
    connection: connection.connection_id,
  })
}

async function makeCall(ctx: Ctx, input: GatewayInput, headers: HeadersIn, provider: Provider): Promise<ProxyCall> {
  const { given, forwarded } = headers
  const { "content-type": forwardedType, ...rest } = forwarded
  const { body, contentType } = await readBodyIn(input.request, {
    provider,
    forwardedType,
    retries: given.retries,
    replayBytes: ctx.config.proxyReplayBytes,
    wholeBytes: ctx.config.bodyLimitBytes,
  })
  if (contentType !== undefined) rest["content-type"] = contentType
  const accepted = input.request.headers.get("accept-encoding")
  // What arrives encoded is passed on encoded, so the caller's own client says what it can read.
  if (accepted !== null && !namesEncoding(provider)) rest["accept-encoding"] ??= accepted
  return {
    endpoint: input.rest,
    query: input.query,
    method: input.request.method,
    headers: rest,
    body,
    baseUrlOverride: given["base-url-override"],
    decompress: given.decompress,
    forwardHeadersOnRedirect: given["forward-headers-on-redirect"],
    retries: given.retries,
    retryOn: given["retry-on"],
  }
}

const namesEncoding = rememberOf(({ proxy }: Provider): boolean =>
  Object.keys(proxy?.headers ?? {}).some((name) => name.toLowerCase() === "accept-encoding"),
)

/** A hint for retries that stands in the body can only be read in clear. */
const isDecoded = (call: ProxyCall, { proxy }: Provider): boolean =>
  call.decompress === true || proxy?.decompress === true || (proxy?.retry?.in_body !== undefined && call.retries > 0)

function toolsOf(ctx: Ctx, operation: Operation, first: HeldTarget): SendTools {
  let held = first
  return {
    egress: ctx.egress,
    now: ctx.now,
    sleep,
    extraNetworkCodes: ctx.config.retryableNetworkErrors,
    credentials: async (_, fresh) => {
      if (!isStillHeld(ctx, held, fresh)) held = await hold(ctx, await findAgain(ctx, first.found))
      return held.credentials
    },
    onAttempt: ({ level, message, ...detail }) =>
      operation.write({ type: "http", level, source: "internal", message, detail }),
    onWait: ({ level, message, ...detail }) =>
      operation.write({ type: "log", level, source: "internal", message, detail }),
  }
}

async function findAgain(ctx: Ctx, { connection }: FoundConnection): Promise<FoundConnection> {
  const found = await findConnectionById(ctx, connection.id)
  if (found && found.connection.deleted_at === null) return found
  throw faults.server_error()
}

/** The operation ends with the head of the answer: how long a caller reads is its own affair. */
function closeWith(operation: Operation, { response }: ProxyAnswer): Response {
  const { status } = response
  if (status < 400) operation.close("success")
  else operation.close("failed", { code: String(status), message: `The provider answered ${status}.` })
  // Some servers answer with a status that HTTP does not have; it cannot be passed on.
  if (status > 599 || status < 200) return new Response(response.body, { status: 502, headers: response.headers })
  return response
}
