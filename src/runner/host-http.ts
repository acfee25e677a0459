import { findConnection, findConnectionById, type FoundConnection } from "../connections/connections.ts"
import { readConnectionConfig, readCredentials, secretsOf } from "../connections/credentials.ts"
import { readCredentials as readAppCredentials, readCustom } from "../integrations/integrations.ts"
import { faults, type ProxyBody, type ProxyCall, type ProxyTarget } from "../proxy/model.ts"
import { sendProxied, type SendTools } from "../proxy/send.ts"
import type { EnvironmentCtx } from "../app/context.ts"
import type { CallInput } from "./calls.ts"
import type { HostRun } from "./host-run.ts"

/** Largest answer that a function can take in, in bytes. */
const maxAnswer = 100 * 1024 * 1024
const binaryTypes = new Set(["arraybuffer", "blob", "stream"])

type Answer = { output: unknown; body: string | Uint8Array }

/** One logical request of a function to its provider, with credentials, retries and logs. Non-2xx answers come back as they are. */
export async function sendForGuest(
  run: HostRun,
  input: CallInput<"proxy.send">,
  body: string | Uint8Array | undefined,
): Promise<Answer> {
  const found = await findTarget(run, input)
  const call: ProxyCall = {
    endpoint: input.endpoint ?? "",
    method: input.method,
    headers: input.headers,
    params: input.params,
    body: toBody(input.data.kind, body),
    baseUrlOverride: input.baseUrlOverride,
    decompress: input.decompress,
    forwardHeadersOnRedirect: input.forwardHeadersOnRedirect,
    responseType: input.responseType,
    retries: input.retries,
    retryOn: input.retryOn ?? [],
    retryHeader: input.retryHeader,
  }
  if (call.endpoint === "" && call.baseUrlOverride === undefined) throw faults.missing_api_url()
  const target = describeTarget(run.ctx, found)
  const answer = await sendProxied(toolsOf(run, found), {
    ...target,
    call,
    signal: run.signal,
    transport: { maxBytes: maxAnswer },
  })
  const bytes = new Uint8Array(await new Response(answer.body).arrayBuffer())
  return {
    output: { status: answer.status, headers: Object.fromEntries(answer.headers), url: answer.request.url },
    body: binaryTypes.has(input.responseType ?? "") ? bytes : new TextDecoder().decode(bytes),
  }
}

/** What the proxy has to know about a connection. */
export function describeTarget(ctx: EnvironmentCtx, { connection, integration }: FoundConnection): ProxyTarget {
  const app = readAppCredentials(ctx, integration)
  const client = app && "client_id" in app ? { clientId: app.client_id, clientSecret: app.client_secret } : {}
  return {
    provider: ctx.catalogue.get(integration.provider),
    providerName: integration.provider,
    integration: { uniqueKey: integration.unique_key, custom: readCustom(ctx, integration), ...client },
    connection: {
      connectionId: connection.connection_id,
      connectionConfig: readConnectionConfig(ctx, connection),
      metadata: connection.metadata,
    },
  }
}

function toolsOf(run: HostRun, found: FoundConnection): SendTools {
  return {
    egress: run.ctx.egress,
    now: run.ctx.now,
    sleep,
    credentials: async () => {
      const current = await findConnectionById(run.ctx, found.connection.id)
      if (!current) throw faults.failed_to_get_connection()
      const credentials = readCredentials(run.ctx, current.connection)
      run.operation.hide(secretsOf(credentials))
      return credentials
    },
    onAttempt: ({ level, message, ...detail }) =>
      run.operation.write({ type: "http", level, source: "internal", message, detail }),
    onWait: ({ level, message, ...detail }) =>
      run.operation.write({ type: "log", level, source: "internal", message, detail }),
  }
}

/** The run's own connection, or another one of the same environment that the call names. */
export async function findTarget(
  run: HostRun,
  input: { providerConfigKey?: string; connectionId?: string },
): Promise<FoundConnection> {
  const { connection, integration } = run.found
  const name = {
    providerConfigKey: input.providerConfigKey ?? integration.unique_key,
    connectionId: input.connectionId ?? connection.connection_id,
  }
  // By number and not by name: a connection that is still being validated is hidden from everybody else.
  const isOwn = name.providerConfigKey === integration.unique_key && name.connectionId === connection.connection_id
  const found = isOwn ? await findConnectionById(run.ctx, connection.id) : await findConnection(run.ctx, name)
  if (!found)
    throw faults.failed_to_get_connection({
      message: `There is no connection "${name.connectionId}" for "${name.providerConfigKey}".`,
    })
  return found
}

function toBody(kind: CallInput<"proxy.send">["data"]["kind"], body: string | Uint8Array | undefined): ProxyBody {
  if (kind === "none" || body === undefined) return { kind: "none" }
  if (typeof body !== "string") return { kind: "bytes", bytes: body }
  if (kind === "json") return { kind: "json", text: body }
  if (kind === "form") return { kind: "form", entries: [...new URLSearchParams(body)] }
  return { kind: "text", text: body }
}

/** A request of the function's own making: no credentials, no retries, but through the same gate. */
export async function fetchForGuest(
  run: HostRun,
  input: CallInput<"fetch.raw">,
  body: string | Uint8Array | undefined,
): Promise<Answer> {
  const response = await run.ctx.egress.send({ ...input, body: body ?? null, signal: run.signal, maxBytes: maxAnswer })
  run.operation.write({
    type: "http",
    level: response.ok ? "info" : "error",
    source: "internal",
    message: `${input.method} ${new URL(input.url).origin}`,
    detail: { response: { code: response.status } },
  })
  const bytes = new Uint8Array(await response.arrayBuffer())
  const { status, statusText, url, redirected } = response
  return { output: { status, statusText, url, redirected, headers: Object.fromEntries(response.headers) }, body: bytes }
}

/** Waits, also longer than one timer can hold. */
async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  const longest = 2_000_000_000
  for (let left = ms; left > 0; left -= longest) await pause(Math.min(left, longest), signal)
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop)
      resolve()
    }, ms)
    signal?.addEventListener("abort", stop, { once: true })
  })
}
