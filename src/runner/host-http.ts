import { redactUrl } from "../kit/redact.ts"
import { sleep } from "../kit/wait.ts"
import { faults, type ProxyBody, type ProxyCall } from "../proxy/model.ts"
import { readParts } from "../proxy/parts.ts"
import { sendProxied, type SendTools } from "../proxy/send.ts"
import { checkOverride, type HeldTarget } from "../proxy/target.ts"
import type { CallInput } from "./calls.ts"
import type { HostRun } from "./host-run.ts"
import { holdTarget } from "./host-target.ts"

/** Largest answer that a function can take in, in bytes. */
const maxAnswer = 100 * 1024 * 1024
const binaryTypes = new Set(["arraybuffer", "stream"])
const formType = "application/x-www-form-urlencoded"

type Send = CallInput<"proxy.send">
type Payload = string | Uint8Array | undefined
type Answer = { output: unknown; body: string | Uint8Array }

/** One logical request of a function to its provider, with credentials, retries and logs. Non-2xx answers come back as they are. */
export async function sendForGuest(run: HostRun, input: Send, body: Payload): Promise<Answer> {
  const held = await holdTarget(run, input)
  const call = await toCall(input, body, held)
  if (call.endpoint === "" && call.baseUrlOverride === undefined) throw faults.missing_api_url()
  checkOverride(run.ctx, call.baseUrlOverride)
  const answer = await sendProxied(toolsOf(run, input), {
    ...held.target,
    call,
    signal: run.signal,
    transport: { maxBytes: maxAnswer },
  })
  const { response, request } = answer
  const { status, statusText } = response
  const bytes = new Uint8Array(await response.arrayBuffer())
  return {
    output: {
      status,
      statusText,
      headers: plainHeaders(response.headers),
      url: redactUrl(request.url, request.redactions),
    },
    body: binaryTypes.has(input.responseType ?? "") ? bytes : new TextDecoder().decode(bytes),
  }
}

async function toCall(input: Send, body: Payload, { target }: HeldTarget): Promise<ProxyCall> {
  // The user agent of a request is the provider's or ours, whatever a function asks for.
  const { "user-agent": _, ...headers } = input.headers
  const merges = target.provider.proxy?.body !== undefined
  const sends = input.method === "POST" || input.method === "PUT" || input.method === "PATCH"
  // As axios does; a body that the provider's entry makes has a type of its own.
  if (input.data.kind === "none" && sends && !merges) headers["content-type"] ??= formType
  return {
    endpoint: input.endpoint ?? "",
    method: input.method,
    headers,
    params: input.params,
    body: await toBody(input, body, merges),
    baseUrlOverride: input.baseUrlOverride,
    decompress: input.decompress,
    forwardHeadersOnRedirect: input.forwardHeadersOnRedirect,
    responseType: input.responseType,
    retries: input.retries,
    retryOn: input.retryOn ?? [],
    retryHeader: input.retryHeader,
  }
}

function toolsOf(run: HostRun, input: Send): SendTools {
  return {
    egress: run.ctx.egress,
    now: run.ctx.now,
    sleep: run.sleep ?? sleep,
    extraNetworkCodes: run.ctx.config.retryableNetworkErrors,
    credentials: async (_, fresh) => (await holdTarget(run, input, fresh)).credentials,
    onAttempt: ({ level, message, ...detail }) =>
      run.operation.write({ type: "http", level, source: "internal", message, detail }),
    onWait: ({ level, message, ...detail }) =>
      run.operation.write({ type: "log", level, source: "internal", message, detail }),
  }
}

async function toBody({ data, headers }: Send, body: Payload, merges: boolean): Promise<ProxyBody> {
  if (data.kind === "none" || body === undefined) return { kind: "none" }
  if (typeof body !== "string") {
    // Taken apart only where the provider adds parts of its own.
    const parts = merges && data.kind === "multipart" ? await readParts(body, headers["content-type"]) : undefined
    return parts ? { kind: "multipart", parts } : { kind: "bytes", bytes: body }
  }
  if (data.kind === "json") return { kind: "json", text: body }
  if (data.kind === "form") return { kind: "form", entries: [...new URLSearchParams(body)] }
  return { kind: "text", text: body }
}

/** Cookies are the one header that comes as a list. */
function plainHeaders(headers: Headers): Record<string, string | string[]> {
  const cookies = headers.getSetCookie()
  return { ...Object.fromEntries(headers), ...(cookies.length > 0 ? { "set-cookie": cookies } : {}) }
}

/** A request of the function's own making: no credentials, no retries, but through the same gate. */
export async function fetchForGuest(run: HostRun, input: CallInput<"fetch.raw">, body: Payload): Promise<Answer> {
  const response = await run.ctx.egress.send({ ...input, body: body ?? null, signal: run.signal, maxBytes: maxAnswer })
  run.operation.write({
    type: "http",
    level: response.ok ? "info" : "error",
    source: "internal",
    message: `${input.method} ${new URL(input.url).origin}`,
    detail: { response: { code: response.status } },
  })
  const bytes = new Uint8Array(await response.arrayBuffer())
  const { status, statusText, url } = response
  const redirected = url !== new URL(input.url).href
  return { output: { status, statusText, url, redirected, headers: plainHeaders(response.headers) }, body: bytes }
}
