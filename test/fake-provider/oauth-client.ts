import { expect } from "bun:test"
import type { FakeProviderOptions } from "../../src/fake-provider/model.ts"
import type { FakeProvider } from "../../src/fake-provider/server.ts"
import { startFakeProvider } from "../../src/fake-provider/server.ts"

export const CLIENT = { client_id: "fake-client-id", client_secret: "fake-client-secret" }
export const REDIRECT = "http://127.0.0.1:1/callback?kept=1"
export const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
/** The pair of RFC 7636, appendix B. */
export const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
export const PKCE = { code_challenge: CHALLENGE, code_challenge_method: "S256" }

type Tokens = {
  access_token: string
  refresh_token: string
  expires_in: number
  error?: string
  [name: string]: unknown
}
type OauthOptions = FakeProviderOptions["oauth"]

const running: FakeProvider[] = []
export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((fake) => fake.stop()))
}

export async function start(oauth: OauthOptions = {}): Promise<FakeProvider> {
  const fake = await startFakeProvider({ oauth })
  running.push(fake)
  return fake
}

export async function authorize(fake: FakeProvider, params: Record<string, string> = {}): Promise<URL> {
  const query = {
    response_type: "code",
    client_id: CLIENT.client_id,
    redirect_uri: REDIRECT,
    state: "s 1",
    auto: "1",
    ...params,
  }
  const url = `${fake.url}/oauth/authorize?${new URLSearchParams(query).toString()}`
  const response = await fetch(url, { redirect: "manual" })
  expect(response.status).toBe(302)
  return new URL(response.headers.get("location") ?? "")
}

export async function codeFor(fake: FakeProvider, params: Record<string, string> = {}): Promise<string> {
  return (await authorize(fake, params)).searchParams.get("code") ?? ""
}

export async function post(fake: FakeProvider, params: Record<string, string>, headers: Record<string, string> = {}) {
  const response = await fetch(`${fake.url}/oauth/token`, {
    method: "POST",
    headers,
    body: new URLSearchParams(params),
  })
  return { status: response.status, body: (await response.json()) as Tokens }
}

export const redeem = (fake: FakeProvider, code: string, more: Record<string, string> = {}) =>
  post(fake, { grant_type: "authorization_code", redirect_uri: REDIRECT, code, ...CLIENT, ...more })
export const refresh = (fake: FakeProvider, token: string) =>
  post(fake, { grant_type: "refresh_token", refresh_token: token, ...CLIENT })

export async function secured(fake: FakeProvider, token: string, path = "/secure/items?per_page=1"): Promise<number> {
  return (await fetch(fake.url + path, { headers: { authorization: `Bearer ${token}` } })).status
}
