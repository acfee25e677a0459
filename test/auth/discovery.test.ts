import { describe, expect, test } from "bun:test"
import { discoverServer } from "../../src/auth/discovery.ts"
import type { AuthCtx } from "../../src/auth/mode.ts"
import { clientMetadata } from "../../src/auth/registration.ts"
import type { OutboundRequest } from "../../src/kit/fetch.ts"
import type { AppError } from "../../src/kit/errors.ts"
import { reasonOf } from "../helpers/reason.ts"

/** A world of documents by URL; whatever is not in it is not found. */
function stand(documents: Record<string, unknown>): { ctx: AuthCtx; asked: string[] } {
  const asked: string[] = []
  const send = async ({ url }: OutboundRequest) => {
    asked.push(String(url))
    const found = documents[String(url)]
    if (found instanceof Response) return found
    return found === undefined ? new Response("<html>", { status: 404 }) : Response.json(found)
  }
  const ctx = {
    egress: { send },
    now: () => new Date(0),
    exchanges: [],
    timeoutMs: 1000,
    signal: new AbortController().signal,
  }
  return { ctx: ctx as unknown as AuthCtx, asked }
}

const server = (issuer: string, more: object = {}) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  ...more,
})
const resource = "https://mcp.test/.well-known/oauth-protected-resource/v1/mcp"
const mcp = "https://mcp.test/v1/mcp"

describe("how an MCP server wants to be authorized", () => {
  test("its description names the server, whose description is found by path", async () => {
    const { ctx } = stand({
      [resource]: { resource: mcp, authorization_servers: ["https://auth.test/tenant"], scopes_supported: ["a"] },
      "https://auth.test/.well-known/oauth-authorization-server/tenant": server("https://auth.test/tenant"),
    })
    const found = await discoverServer(ctx, mcp)
    expect([found.metadata.token_endpoint, found.resource, found.scopes]).toEqual([
      "https://auth.test/tenant/token",
      mcp,
      ["a"],
    ])
  })
  test("a refusal may say where the description is, on the same server only", async () => {
    const challenge = (url: string) =>
      new Response("", { status: 401, headers: { "www-authenticate": `Bearer resource_metadata="${url}"` } })
    const own = {
      "https://mcp.test/about": { resource: "https://mcp.test", authorization_servers: ["https://auth.test"] },
    }
    const auth = { "https://auth.test/.well-known/openid-configuration": server("https://auth.test/") }
    const { ctx } = stand({ [mcp]: challenge("https://mcp.test/about"), ...own, ...auth })
    expect((await discoverServer(ctx, mcp)).resource).toBe("https://mcp.test")
    const evil = stand({ [mcp]: challenge("https://evil.test/about"), "https://evil.test/about": { resource: mcp } })
    await reasonOf(discoverServer(evil.ctx, mcp))
    expect(evil.asked.filter((url) => url.includes("evil"))).toEqual([])
  })
  test("a server of before all that is its own authorization server", async () => {
    const { ctx } = stand({ "https://mcp.test/.well-known/oauth-authorization-server": server("https://mcp.test") })
    expect((await discoverServer(ctx, mcp)).metadata.issuer).toBe("https://mcp.test")
  })

  const wellKnown = "https://mcp.test/.well-known/oauth-authorization-server"
  test.each<[string, string, Record<string, unknown>]>([
    ["http", "http://mcp.test", {}],
    ["an address", "https://10.0.0.1/mcp", {}],
    ["an address in brackets", "https://[::1]/mcp", {}],
    ["this machine", "https://localhost/mcp", {}],
    ["no URL", "mcp", {}],
    ["nothing to be found", mcp, {}],
    ["a description that is a page", mcp, { [wellKnown]: new Response("<html>") }],
    ["another resource", mcp, { [resource]: { resource: "https://bank.test/api" } }],
    ["another path", mcp, { [resource]: { resource: "https://mcp.test/v2" } }],
    ["another issuer", mcp, { [wellKnown]: server("https://evil.test") }],
    [
      "an authorization server inside",
      mcp,
      { [resource]: { resource: mcp, authorization_servers: ["http://169.254.169.254/"] } },
    ],
    [
      "a token endpoint inside",
      mcp,
      { [wellKnown]: server("https://mcp.test", { token_endpoint: "http://127.0.0.1/token" }) },
    ],
    ["no PKCE", mcp, { [wellKnown]: server("https://mcp.test", { code_challenge_methods_supported: ["plain"] }) }],
  ])("%s is refused", async (_, url, documents) => {
    const error = (await reasonOf(discoverServer(stand(documents).ctx, url))) as AppError
    expect([error.code, error.status]).toEqual(["mcp_discovery_error", 400])
  })
})

test.each<[string, (stop: AbortController) => Promise<Response>]>([
  [
    "never answers",
    async (stop) => {
      stop.abort(new DOMException("late", "TimeoutError"))
      throw stop.signal.reason
    },
  ],
  [
    "never ends its answer",
    async (stop) => {
      const body = new ReadableStream({
        pull(controller) {
          stop.abort(new DOMException("late", "TimeoutError"))
          controller.error(stop.signal.reason)
        },
      })
      return new Response(body)
    },
  ],
])("a server that %s is told so", async (_, answer) => {
  const stop = new AbortController()
  const { ctx } = stand({})
  const slow = { ...ctx, signal: stop.signal, egress: { send: () => answer(stop) } } as AuthCtx
  const error = (await reasonOf(discoverServer(slow, mcp))) as AppError
  expect([error.code, error.message]).toEqual(["mcp_discovery_error", "The MCP server did not answer in time."])
})

test("the document that describes us carries its own address as client id", () => {
  const ctx = { serverUrl: () => "https://me.test", environment: { uuid: "e-1", name: "dev" } }
  const target = { uniqueKey: "my mcp", providerName: "mcp-generic", custom: { oauth_client_name: "Mine" } } as never
  expect(clientMetadata(ctx, target, "https://me.test/oauth/callback")).toEqual({
    client_id: "https://me.test/oauth/client-metadata/e-1/my%20mcp",
    client_name: "Mine",
    client_uri: "https://me.test",
    redirect_uris: ["https://me.test/oauth/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  })
})
