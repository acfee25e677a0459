import type { OauthOptions } from "./model.ts"
import { makeRandom } from "./random.ts"

/** What a user (or a client by itself) allowed; every token of it dies when it is revoked. */
export type Grant = {
  clientId: string
  scope: string
  hasUser: boolean
  revoked: boolean
}

export type Code = {
  grant: Grant
  redirectUri: string
  challenge?: string
  challengeMethod: "S256" | "plain"
  expiresMs: number
  used: boolean
}

export type OauthState = {
  options: OauthOptions
  seed: number
  made: number
  codes: Map<string, Code>
  access: Map<string, { grant: Grant; expiresMs: number }>
  refresh: Map<string, { grant: Grant; rotated: boolean }>
  /** OAuth 1 tokens. */
  oauth1: Map<string, { secret: string; callback: string; verifier: string; kind: "request" | "access" }>
  counters: {
    authorizations: number
    tokenRequests: number
    tokenFailures: number
    byGrant: Record<string, number>
    revocations: number
  }
}

export function makeOauth(options: OauthOptions, seed: number): OauthState {
  const counters = {
    authorizations: 0,
    tokenRequests: 0,
    tokenFailures: 0,
    byGrant: {},
    revocations: 0,
  }
  return {
    // A client that registers itself is gone after a reset.
    options: { ...options, clients: [...options.clients] },
    seed,
    made: 0,
    codes: new Map(),
    access: new Map(),
    refresh: new Map(),
    oauth1: new Map(),
    counters,
  }
}

export function makeToken(state: OauthState, kind: "code" | "access" | "refresh"): string {
  return `fake_${kind}_${makeRandom(state.seed, "token", kind, ++state.made).hex(40)}`
}

export type Issued = {
  accessToken: string
  refreshToken?: string
  expiresIn: number | null
  grant: Grant
}

export function issueTokens(state: OauthState, grant: Grant, withRefresh: boolean): Issued {
  const { expiresIn } = state.options
  const accessToken = makeToken(state, "access")
  const expiresMs = expiresIn === null ? Number.POSITIVE_INFINITY : Date.now() + expiresIn * 1000
  state.access.set(accessToken, { grant, expiresMs })
  if (!withRefresh) return { accessToken, expiresIn, grant }
  const refreshToken = makeToken(state, "refresh")
  state.refresh.set(refreshToken, { grant, rotated: false })
  return { accessToken, refreshToken, expiresIn, grant }
}

/** The grant behind a live access token. */
export function findGrant(state: OauthState, token: string): Grant | undefined {
  const found = state.access.get(token)
  return found && !found.grant.revoked && found.expiresMs > Date.now() ? found.grant : undefined
}

export function expireAccessTokens(state: OauthState): void {
  for (const token of state.access.values()) token.expiresMs = 0
}

export function revokeRefreshTokens(state: OauthState): void {
  state.refresh.clear()
}

/** RFC 7009: unknown tokens are no error; a refresh token takes its whole grant along. */
export function revokeToken(state: OauthState, token: string): void {
  state.counters.revocations++
  const refresh = state.refresh.get(token)
  if (refresh) refresh.grant.revoked = true
  state.access.delete(token)
}

export function describeOauth(state: OauthState) {
  const now = Date.now()
  const access = [...state.access.values()].filter((token) => !token.grant.revoked && token.expiresMs > now)
  const refresh = [...state.refresh.values()].filter((token) => !token.grant.revoked && !token.rotated)
  return {
    ...state.counters,
    liveAccessTokens: access.length,
    liveRefreshTokens: refresh.length,
  }
}
