import { expect, test } from "bun:test"
import type { AuthCtx, AuthTarget } from "../../src/auth/mode.ts"
import { custom } from "../../src/auth/modes/custom.ts"
import type { OutboundRequest } from "../../src/kit/fetch.ts"
import { withExchangeRecipe } from "../../src/providers/exchange.ts"
import { reasonOf } from "../helpers/reason.ts"
import { authContext, rsa } from "./stage.ts"

/* An app reaches the installations of all its customers; whoever signs in may only connect those that are theirs. */

const user = "the-token-of-the-person"

/** A provider at which the person may reach these installations, a page of two at a time. */
function stand(mine: number[], noList?: () => Response): { ctx: AuthCtx; asked: string[] } {
  const asked: string[] = []
  const send = async ({ url, method = "GET", headers }: OutboundRequest) => {
    const { pathname, searchParams } = new URL(String(url))
    asked.push(`${method} ${pathname}`)
    if (pathname === "/login/oauth/access_token") return Response.json({ access_token: user })
    if (pathname.endsWith("/access_tokens")) return Response.json({ token: "of-the-app" }, { status: 201 })
    expect(new Headers(headers as Record<string, string>).get("authorization")).toBe(`Bearer ${user}`)
    if (noList) return noList()
    const from = (Number(searchParams.get("page")) - 1) * 2
    return Response.json({ installations: mine.slice(from, from + 2).map((id) => ({ id })) })
  }
  return { ctx: authContext(send, new Date("2026-03-01T12:00:00.000Z")), asked }
}

const target: AuthTarget = {
  provider: withExchangeRecipe(["github-app-oauth"], {
    display_name: "x",
    docs: "",
    auth_mode: "CUSTOM",
    proxy: { base_url: "https://api.github.com" },
    token_url: {
      OAUTH2: "https://github.com/login/oauth/access_token",
      APP: "https://api.github.com/app/installations/${connectionConfig.installation_id}/access_tokens",
    },
  }),
  providerName: "github-app-oauth",
  uniqueKey: "k",
  app: {
    type: "CUSTOM",
    client_id: "id",
    client_secret: "secret",
    app_id: "1",
    app_link: "https://github.com/apps/x",
    private_key: rsa.privateKey,
  },
  custom: {},
  connectionConfig: {},
}
const finish = (ctx: AuthCtx, query: Record<string, string>) => {
  if (!custom.browser) throw new Error("The mode has no way through a browser.")
  return custom.browser.finish(ctx, target, { query, remembered: { callbackUrl: "https://me.test/cb" } })
}

test("an installation of the person's own is connected, on whatever page it stands", async () => {
  const { ctx, asked } = stand([1, 2, 77])
  const { connectionConfig } = await finish(ctx, { code: "c", installation_id: "77" })
  expect(connectionConfig).toMatchObject({ installation_id: "77", pending: false })
  expect(asked).toEqual([
    "POST /login/oauth/access_token",
    "GET /user/installations",
    "GET /user/installations",
    "POST /app/installations/77/access_tokens",
  ])
})

test.each([
  ["somebody else's", { code: "c", installation_id: "78" }, "The person who signed in has no access"],
  ["one without a person", { installation_id: "77" }, "did not say who installs the app"],
])("%s is refused before the app asks for its token", async (_, query, message) => {
  const { ctx, asked } = stand([1, 2, 77])
  const reason = (await reasonOf(finish(ctx, query))) as Error
  expect(reason).toMatchObject({ code: "callback_err" })
  expect(reason.message).toContain(message)
  expect(asked.filter((line) => line.endsWith("/access_tokens"))).toEqual([])
})

test.each([
  ["404", () => Response.json({ message: "Not Found" }, { status: 404 })],
  ["a page that says 404", () => new Response("<html>", { status: 404, headers: { "content-type": "text/html" } })],
  ["another answer", () => Response.json({ ok: true })],
])("a server that has no such list, which says %s, is taken at its word", async (_, answer) => {
  const { ctx } = stand([], answer)
  const { connectionConfig } = await finish(ctx, { code: "c", installation_id: "77" })
  expect(connectionConfig).toMatchObject({ installation_id: "77" })
})

test.each([401, 403, 500])("a server that answers %d proves nothing", async (status) => {
  const { ctx, asked } = stand([], () => Response.json({ message: "no" }, { status }))
  expect(await reasonOf(finish(ctx, { code: "c", installation_id: "77" }))).toMatchObject({ code: "callback_err" })
  expect(asked.filter((line) => line.endsWith("/access_tokens"))).toEqual([])
})

test("what the provider itself has signed needs no person", async () => {
  const { ctx, asked } = stand([])
  const remembered = { callbackUrl: "https://me.test/cb" }
  const answer = { query: { installation_id: "77" }, remembered, signed: true as const }
  expect((await custom.browser?.finish(ctx, target, answer))?.connectionConfig).toMatchObject({ installation_id: "77" })
  expect(asked).toEqual(["POST /app/installations/77/access_tokens"])
})

test("a list without an end is not followed for ever", async () => {
  const { ctx, asked } = stand(Array.from({ length: 1_000 }, (_, n) => n + 1_000))
  expect(await reasonOf(finish(ctx, { code: "c", installation_id: "77" }))).toMatchObject({ code: "callback_err" })
  expect(asked.filter((line) => line === "GET /user/installations")).toHaveLength(10)
})
