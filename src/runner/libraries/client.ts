import { Readable } from "stream"
import { host } from "./host.ts"

type Options = {
  url: string
  method?: string
  headers?: Record<string, unknown>
  data?: string | Uint8Array
  responseType?: string
  timeout?: number
  auth?: { username: string; password: string }
}
type Reply = {
  status: number
  statusText: string
  headers: Record<string, string>
  data: unknown
  config: Options
  request: { responseURL: string }
}

/** The part of axios that soap asks for: every status is an answer, and the body comes as text unless asked for otherwise. */
async function send(config: Options): Promise<Reply> {
  const { url, method = "GET", data, timeout } = config
  const timeoutMs = timeout ? Math.ceil(timeout) : undefined
  const answer = await host.send({ url, method, headers: headersOf(config), body: data, timeoutMs })
  const { status, statusText, headers } = answer
  const request = { responseURL: answer.url }
  return { status, statusText, headers, data: bodyOf(answer.body, config.responseType), config, request }
}

function headersOf({ headers = {}, auth }: Options): Record<string, string> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined && value !== null)
  const all = Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
  if (auth) all.Authorization = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`
  return all
}

function bodyOf(body: Uint8Array, type: string | undefined): unknown {
  const bytes = Buffer.from(body)
  if (type === "stream") return Readable.from([bytes], { objectMode: false })
  return type === "arraybuffer" ? bytes : bytes.toString("utf8")
}

export const create = (): typeof send => send
