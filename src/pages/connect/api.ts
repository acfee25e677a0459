import { ConnectError, type Connected, type Integration, type Issue, type Provider, type Session } from "./model.ts"
import type { Ask } from "./submit.ts"

/** The daemon as this page sees it. Everything rejects with a ConnectError. */
export type Api = {
  session: () => Promise<Session>
  integrations: () => Promise<Integration[]>
  provider: (name: string) => Promise<Provider>
  connect: (ask: Ask & { how: "post" }) => Promise<Connected>
  /** The address that a window of the provider is sent to. */
  windowUrl: (ask: Ask & { how: "window" }, socketId: string | undefined) => string
}

/** Type of the error when no answer came at all; the page has its own words for it. */
export const unreachable = "unreachable"

export function createApi(input: { base: URL; token: string; language: string }): Api {
  const { base, token, language } = input
  const get = async <T>(path: string): Promise<T> => {
    const headers = { authorization: `Bearer ${token}`, "accept-language": language }
    const { data } = (await request(new URL(path, base), { headers })) as { data: T }
    return data
  }
  const address = ({ path, query }: Ask, more: [string, string][] = []) => {
    const url = new URL(path, base)
    url.search = new URLSearchParams([["connect_session_token", token], ...query, ...more]).toString()
    return url
  }
  return {
    session: () => get("connect/session"),
    integrations: () => get("integrations"),
    provider: (name) => get(`providers/${encodeURIComponent(name)}`),
    connect: async (ask) => {
      const headers: Record<string, string> = ask.body ? { "content-type": "application/json" } : {}
      const body = ask.body && JSON.stringify(ask.body)
      return (await request(address(ask), { method: "POST", headers, body })) as Connected
    },
    windowUrl: (ask, socketId) => address(ask, socketId ? [["ws_client_id", socketId]] : []).href,
  }
}

async function request(url: URL, init: RequestInit): Promise<unknown> {
  const answer = await fetch(url, { ...init, credentials: "omit", cache: "no-store" }).catch((cause: unknown) => {
    throw new ConnectError(unreachable, String(cause))
  })
  const body: unknown = await answer.json().catch(() => undefined)
  const refusal = readRefusal(body)
  // Some refusals of the format come with 200.
  if (!answer.ok || refusal) {
    throw new ConnectError(refusal?.code ?? "unknown_error", refusal?.message ?? "", answer.status, refusal?.errors)
  }
  if (typeof body !== "object" || body === null) throw new ConnectError("unknown_error", "", answer.status)
  return body
}

function readRefusal(body: unknown): { code?: string; message?: string; errors?: Issue[] } | undefined {
  if (typeof body !== "object" || body === null || !("error" in body)) return undefined
  const { error } = body
  if (typeof error === "string") return { message: error }
  if (typeof error !== "object" || error === null) return {}
  const { code, message, errors } = error as Record<string, unknown>
  return {
    code: typeof code === "string" ? code : undefined,
    message: typeof message === "string" ? message : undefined,
    errors: Array.isArray(errors) ? errors.flatMap(readIssue) : [],
  }
}

function readIssue(value: unknown): Issue[] {
  const { message, path } = (value ?? {}) as Record<string, unknown>
  return typeof message === "string" && Array.isArray(path) ? [{ message, path: path.map(String) }] : []
}
