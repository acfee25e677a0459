import { httpFaults } from "./errors.ts"

/** Far above what people nest; deeper values would exhaust the stack of whoever walks through them. */
const deepest = 1_000

/** The body as JSON. An empty body counts as absent; texts, numbers and `null` are no bodies. */
export async function readJson(request: Request, limitBytes: number): Promise<unknown> {
  const text = await readText(request, limitBytes)
  if (text.trim() === "") return undefined
  const value = parseJson(text)
  if (value === null || typeof value !== "object")
    throw httpFaults.invalid_json({ message: "The body must be a JSON object or array." })
  if (isDeeperThan(value, deepest))
    throw httpFaults.invalid_json({ message: `The body is nested more than ${deepest} levels deep.` })
  return value
}

/** The body as text. Throws `body_too_large` as soon as that is known. */
export async function readText(request: Request, limitBytes: number): Promise<string> {
  if (isMeasured(request, limitBytes)) return request.text()
  return new TextDecoder().decode(await collect(request, limitBytes))
}

/** The body as it came. Throws `body_too_large` as soon as that is known. */
export async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array> {
  return isMeasured(request, limitBytes) ? new Uint8Array(await request.arrayBuffer()) : collect(request, limitBytes)
}

/** Whether the body says how long it is, and is not too long. */
function isMeasured(request: Request, limitBytes: number): boolean {
  const length = request.headers.get("content-length")
  if (Number(length) > limitBytes) throw httpFaults.body_too_large()
  return length !== null || request.body === null
}

async function collect(request: Request, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > limitBytes) throw httpFaults.body_too_large()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw httpFaults.invalid_json({ message: (cause as Error).message, cause })
  }
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== "object") return false
  if (levels === 0) return true
  return Object.values(value).some((member) => isDeeperThan(member, levels - 1))
}
