import { redactUrl } from "../kit/redact.ts"
import { faults, type MultipartPart, type ProxyBody, type ProxyCall } from "../proxy/model.ts"
import { sendProxied, type SendTools } from "../proxy/send.ts"
import type { CallInput } from "./calls.ts"
import type { HostRun } from "./host-run.ts"
import { type HeldTarget, holdTarget } from "./host-target.ts"

/** Largest answer that a function can take in, in bytes. */
const maxAnswer = 100 * 1024 * 1024
const binaryTypes = new Set(["arraybuffer", "blob", "stream"])
const formType = "application/x-www-form-urlencoded"

type Send = CallInput<"proxy.send">
type Payload = string | Uint8Array | undefined
type Answer = { output: unknown; body: string | Uint8Array }

/** One logical request of a function to its provider, with credentials, retries and logs. Non-2xx answers come back as they are. */
export async function sendForGuest(run: HostRun, input: Send, body: Payload): Promise<Answer> {
  const held = await holdTarget(run, input)
  const call = await toCall(input, body, held)
  if (call.endpoint === "" && call.baseUrlOverride === undefined) throw faults.missing_api_url()
  const answer = await sendProxied(toolsOf(run, input), {
    ...held.target,
    call,
    signal: run.signal,
    transport: { maxBytes: maxAnswer },
  })
  const { status, statusText, request } = answer
  const bytes = new Uint8Array(await new Response(answer.body).arrayBuffer())
  return {
    output: {
      status,
      statusText,
      headers: plainHeaders(answer.headers),
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
    const parts = merges && data.kind === "multipart" ? await readParts(body, headers["content-type"]) : undefined
    return parts ? { kind: "multipart", parts } : { kind: "bytes", bytes: body }
  }
  if (data.kind === "json") return { kind: "json", text: body }
  if (data.kind === "form") return { kind: "form", entries: [...new URLSearchParams(body)] }
  return { kind: "text", text: body }
}

/** Taken apart only where the provider adds parts of its own; undefined for what is no multipart text. */
async function readParts(body: Uint8Array, contentType = ""): Promise<MultipartPart[] | undefined> {
  let form: Iterable<[string, string | File]>
  try {
    const read = new Response(new Uint8Array(body), { headers: { "content-type": contentType } })
    const data: unknown = await read.formData()
    form = data as Iterable<[string, string | File]>
  } catch {
    // Malformed: it goes out as it came, and the provider judges it.
    return undefined
  }
  const parts = [...form].map(async ([name, value]): Promise<MultipartPart> => {
    if (typeof value === "string") return { name, value }
    return { name, bytes: await value.bytes(), filename: value.name, contentType: value.type || undefined }
  })
  return Promise.all(parts)
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
