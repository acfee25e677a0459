import { afterEach, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import {
  authorize,
  CHALLENGE,
  CLIENT,
  codeFor,
  PKCE,
  post,
  redeem,
  refresh,
  secured,
  start,
  VERIFIER,
  stopAll,
} from "./oauth-client.ts"

afterEach(stopAll)

test("code flow with PKCE: redirect with code and state, tokens, a live bearer", async () => {
  const fake = await start({ expiresIn: 60 })
  const back = await authorize(fake, { ...PKCE, scope: "read write" })
  expect([back.origin, back.pathname]).toEqual(["http://127.0.0.1:1", "/callback"])
  expect([back.searchParams.get("kept"), back.searchParams.get("state")]).toEqual(["1", "s 1"])

  expect(createHash("sha256").update(VERIFIER).digest("base64url")).toBe(CHALLENGE)
  const { status, body } = await redeem(fake, back.searchParams.get("code") ?? "", { code_verifier: VERIFIER })
  expect(status).toBe(200)
  expect(body).toMatchObject({ token_type: "bearer", expires_in: 60, scope: "read write" })
  expect(await secured(fake, body.access_token)).toBe(200)
  expect(await secured(fake, body.access_token, "/oauth/userinfo")).toBe(200)
  expect(await secured(fake, "other")).toBe(401)
  const bare = await fetch(`${fake.url}/secure/items`)
  expect([bare.status, bare.headers.get("www-authenticate")]).toEqual([401, "Bearer"])
})

test("links of a secured list stay secured", async () => {
  const fake = await start()
  const { body } = await post(fake, { grant_type: "client_credentials", scope: "a", ...CLIENT })
  expect([body.refresh_token, body.scope]).toEqual([undefined, "a"] as never)
  const headers = { authorization: `Bearer ${body.access_token}` }
  const response = await fetch(`${fake.url}/secure/items?per_page=1`, { headers })
  expect(response.headers.get("link")).toContain(`<${fake.url}/secure/items?per_page=1&page=2>; rel="next"`)
})

test.each<[string, Record<string, string>, Record<string, string>]>([
  ["a wrong verifier", PKCE, { code_verifier: "wrong" }],
  ["a missing verifier", PKCE, {}],
  ["a verifier without challenge", {}, { code_verifier: VERIFIER }],
  ["the challenge as verifier", PKCE, { code_verifier: CHALLENGE }],
  ["another redirect_uri", {}, { redirect_uri: "http://127.0.0.1:1/other" }],
])("the code is refused with %s", async (_name, asked, redeemed) => {
  const fake = await start()
  const { status, body } = await redeem(fake, await codeFor(fake, asked), redeemed)
  expect([status, body.error]).toEqual([400, "invalid_grant"])
})

test("a code works once, and its second use ends what the first one gave", async () => {
  const fake = await start()
  const code = await codeFor(fake)
  const first = await redeem(fake, code)
  expect(first.status).toBe(200)
  expect((await redeem(fake, code)).body.error).toBe("invalid_grant")
  expect(await secured(fake, first.body.access_token)).toBe(401)
  expect((await refresh(fake, first.body.refresh_token)).body.error).toBe("invalid_grant")
})

test("refresh rotates: the old refresh token is refused, the new one works", async () => {
  const fake = await start()
  const first = (await redeem(fake, await codeFor(fake))).body
  const second = (await refresh(fake, first.refresh_token)).body
  expect(second.refresh_token).not.toBe(first.refresh_token)
  expect(second.access_token).not.toBe(first.access_token)
  const reused = await refresh(fake, first.refresh_token)
  expect([reused.status, reused.body.error]).toEqual([400, "invalid_grant"])
  expect((await refresh(fake, second.refresh_token)).status).toBe(200)
  expect(await secured(fake, second.access_token)).toBe(200)
})

test("of twenty refreshes at once with one token, one wins", async () => {
  const fake = await start()
  const { refresh_token } = (await redeem(fake, await codeFor(fake))).body
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(fake, refresh_token)))
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
  const state = (await (await fetch(`${fake.url}/__state`)).json()) as { oauth: unknown }
  expect(state.oauth).toMatchObject({
    tokenRequests: 21,
    tokenFailures: 19,
    byGrant: { authorization_code: 1, refresh_token: 20 },
    liveRefreshTokens: 1,
    authorizations: 1,
  })
})

test("with revokeOnReuse a reused token ends its whole grant", async () => {
  const fake = await start({ revokeOnReuse: true })
  const first = (await redeem(fake, await codeFor(fake))).body
  const second = (await refresh(fake, first.refresh_token)).body
  await refresh(fake, first.refresh_token)
  expect(await secured(fake, second.access_token)).toBe(401)
  expect((await refresh(fake, second.refresh_token)).status).toBe(400)
})

test("without rotation the answer to a refresh has no refresh token, and the old one stays", async () => {
  const fake = await start({ rotate: false })
  const { refresh_token } = (await redeem(fake, await codeFor(fake))).body
  for (let index = 0; index < 2; index++) {
    const { status, body } = await refresh(fake, refresh_token)
    expect([status, "refresh_token" in body]).toEqual([200, false])
  }
})

test("tokens can be expired and revoked from outside", async () => {
  const fake = await start({ expiresIn: null })
  const tokens = (await redeem(fake, await codeFor(fake))).body
  expect("expires_in" in tokens).toBe(false)
  fake.control({ oauth: { expireAccessTokens: true, expiresIn: 5 } })
  expect(await secured(fake, tokens.access_token)).toBe(401)
  const second = (await refresh(fake, tokens.refresh_token)).body
  expect([second.expires_in, await secured(fake, second.access_token)]).toEqual([5, 200])

  const revoke = (token: string) =>
    fetch(`${fake.url}/oauth/revoke`, { method: "POST", body: new URLSearchParams({ token, ...CLIENT }) })
  expect((await revoke(second.refresh_token)).status).toBe(200)
  expect(await secured(fake, second.access_token)).toBe(401)
  expect((await revoke("unknown")).status).toBe(200)

  const third = (await redeem(fake, await codeFor(fake))).body
  fake.control({ oauth: { revokeRefreshTokens: true } })
  expect((await refresh(fake, third.refresh_token)).status).toBe(400)
})
