import { afterEach, expect, test } from "bun:test"
import type { FakeProvider } from "../../src/fake-provider/server.ts"
import { authorize, CLIENT, codeFor, PKCE, post, redeem, REDIRECT, start, stopAll } from "./oauth-client.ts"

afterEach(stopAll)

test("the client proves itself in the body or as Basic, and a wrong secret is 401", async () => {
  const clients = [{ id: "a:b", secret: "p&s +%" }]
  const fake = await start({ clients })
  const grant = { grant_type: "client_credentials" }
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`,
  })
  expect((await post(fake, grant, basic("a:b", "p&s +%"))).status).toBe(200)
  expect((await post(fake, { ...grant, client_id: "a:b", client_secret: "p&s +%" })).status).toBe(200)
  const wrong = await post(fake, grant, basic("a:b", "no"))
  expect([wrong.status, wrong.body.error]).toEqual([401, "invalid_client"])
  expect((await post(fake, grant)).status).toBe(401)

  const strict = await start({ clients, clientAuth: "basic" })
  expect((await post(strict, { ...grant, client_id: "a:b", client_secret: "p&s +%" })).status).toBe(401)
  expect((await post(strict, grant, basic("a:b", "p&s +%"))).status).toBe(200)
  expect((await post(await start(), { grant_type: "magic", ...CLIENT })).body.error).toBe("unsupported_grant_type")
})

test("the body may be JSON", async () => {
  const fake = await start()
  const response = await fetch(`${fake.url}/oauth/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ grant_type: "client_credentials", ...CLIENT }),
  })
  expect(response.status).toBe(200)
})

test("answers can be a form", async () => {
  const fake = await start({ answer: "form" })
  const body = new URLSearchParams({ grant_type: "client_credentials", scope: "a b", ...CLIENT })
  const response = await fetch(`${fake.url}/oauth/token`, { method: "POST", body })
  expect(response.headers.get("content-type")).toBe("application/x-www-form-urlencoded")
  const answer = Object.fromEntries(new URLSearchParams(await response.text()))
  expect(answer).toEqual({ token_type: "bearer", access_token: expect.any(String), expires_in: "3600", scope: "a b" })
})

test("answers can be nested, with errors inside a 200", async () => {
  const fake = await start({ answer: "slack" })
  const { status, body } = await redeem(fake, await codeFor(fake, { user_scope: "chat" }))
  expect([status, body.ok, body.access_token]).toEqual([200, true, undefined] as never)
  expect(body.authed_user).toMatchObject({
    id: "user_1",
    token_type: "user",
    scope: "chat",
    access_token: expect.any(String),
  })
  expect(await redeem(fake, "unknown")).toEqual({ status: 200, body: { ok: false, error: "invalid_grant" } as never })
})

test("the consent page asks, and its buttons allow or deny", async () => {
  const fake = await start()
  const query = new URLSearchParams({
    response_type: "code",
    client_id: CLIENT.client_id,
    redirect_uri: REDIRECT,
    state: '"><b>x',
  })
  const page = await fetch(`${fake.url}/oauth/authorize?${query.toString()}`)
  const html = await page.text()
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"])
  expect(html).not.toContain("<b>x")
  expect(html).toContain('<button name="decision" value="allow">')

  const form = new URLSearchParams()
  const read = new HTMLRewriter().on("input", {
    element: (input) => {
      form.append(input.getAttribute("name") ?? "", unescapeHtml(input.getAttribute("value") ?? ""))
    },
  })
  await read.transform(new Response(html)).text()
  expect(Object.fromEntries(form)).toEqual(Object.fromEntries(query))
  const click = async (decision: string) => authorize(fake, { ...Object.fromEntries(form), auto: "", decision })
  expect((await click("allow")).searchParams.get("code")).toStartWith("fake_code_")
  expect((await click("deny")).searchParams.get("error")).toBe("access_denied")
})

function unescapeHtml(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&")
}

test("mistakes of an authorization go back to the client, unless its redirect is not to be trusted", async () => {
  const fake = await start({ requirePkce: true })
  const errorOf = async (params: Record<string, string>) => (await authorize(fake, params)).searchParams.get("error")
  expect(await errorOf({ ...PKCE, response_type: "token" })).toBe("unsupported_response_type")
  expect(await errorOf({})).toBe("invalid_request")
  expect(await errorOf({ ...PKCE, code_challenge_method: "S512" })).toBe("invalid_request")
  expect(await errorOf({ ...PKCE, error: "temporarily_unavailable" })).toBe("temporarily_unavailable")

  const strict = await start({ clients: [{ id: "c", secret: "s", redirectUris: [REDIRECT] }], auto: true })
  for (const params of [
    { client_id: "x" },
    { redirect_uri: `${REDIRECT}2` },
    { redirect_uri: "javascript:alert(1)" },
  ]) {
    const query = new URLSearchParams({ response_type: "code", client_id: "c", redirect_uri: REDIRECT, ...params })
    const response = await fetch(`${strict.url}/oauth/authorize?${query.toString()}`, { redirect: "manual" })
    expect([response.status, response.headers.get("location")]).toEqual([400, null])
  }
  expect((await authorize(strict, { client_id: "c", auto: "" })).searchParams.has("code")).toBe(true)
})

test("tokens are the same for the same seed and order", async () => {
  const tokens = async () => (await redeem(...(await withCode()))).body.access_token
  const withCode = async (): Promise<[FakeProvider, string]> => {
    const fake = await start()
    return [fake, await codeFor(fake)]
  }
  expect(await tokens()).toBe(await tokens())
})
