import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { client, client042, expectRefused, refused } from "./clients.ts"
import { mintIntegration } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
beforeAll(async () => void (world = await startWithFake()))
afterAll(() => world[Symbol.asyncDispose]())

const clients = () => [client(world.sluice), client042(world.sluice)] as const

test("listProviders: the catalogue, and a search in it", async () => {
  for (const nango of clients()) {
    const { data } = await nango.listProviders({})
    const names = data.map((provider) => provider.name)
    expect(names).toEqual(expect.arrayContaining(["fake", "github", "slack"]))
    expect(names).toEqual(names.toSorted())
    expect(data.find(({ name }) => name === "fake")).toEqual({
      display_name: "Fake",
      docs: "https://example.com",
      auth_mode: "API_KEY",
      credentials: { apiKey: { type: "string", title: "API key", description: "Any text will do." } },
      proxy: expect.any(Object),
      name: "fake",
      logo_url: `http://localhost:${world.sluice.port}/images/template-logos/fake.svg`,
    } as never)
    const found = await nango.listProviders({ search: "GitHub" })
    expect(found.data.map(({ name }) => name)).toEqual(["github", "github-app", "github-app-oauth", "github-pat"])
    expect((await nango.listProviders({ search: "no-such" })).data).toEqual([])
  }
  await expectRefused(client(world.sluice).listProviders({ search: "a(b" }), 400, "invalid_query_params")
  await expectRefused(client042(world.sluice).listProviders({ nope: "1" } as never), 400, "invalid_query_params")
})

test("getProvider", async () => {
  for (const nango of clients()) {
    const { data } = await nango.getProvider({ provider: "github" })
    expect(data).toMatchObject({ name: "github", display_name: "GitHub", auth_mode: "OAUTH2" })
    const unknown = await refused(nango.getProvider({ provider: "no-such" }))
    expect([unknown.status, unknown.error]).toEqual([404, { code: "not_found", message: "Unknown provider no-such" }])
    await expectRefused(nango.getProvider({ provider: "a.b" }), 400, "invalid_uri_params")
  }
})

test("getProviderTemplates: none are shipped", async () => {
  expect(await client(world.sluice).getProviderTemplates({ provider: "github" })).toEqual({ data: [] })
  expect(await client(world.sluice).getProviderTemplates({ provider: "no-such" })).toEqual({ data: [] })
  await expectRefused(client(world.sluice).getProviderTemplates({ provider: "a b" }), 400, "invalid_uri_params")
})

test("createQuickstartIntegration answers as a server without shared apps", async () => {
  const quick = (provider: string) =>
    refused(client(world.sluice).createQuickstartIntegration({ provider, unique_key: "q" }))
  expect(await quick("github")).toMatchObject({
    status: 400,
    error: { code: "invalid_body", message: "No Nango-provided developer app is configured for this provider" },
  })
  expect((await quick("fake")).error.message).toBe(
    "Quickstart is only available for providers that require a developer app",
  )
  expect((await quick("no-such")).error.errors).toEqual([
    { code: "invalid_string", message: "Invalid provider", path: ["provider"] },
  ])
  const more = { provider: "github", unique_key: "q", credentials: {} }
  const strict = await refused(client(world.sluice).createQuickstartIntegration(more))
  expect(strict.error.errors[0].code).toBe("unrecognized_keys")
})

test("the catalogue and the pages' settings are there for anybody", async () => {
  const { sluice } = world
  const catalogue = await sluice.call("GET", "/providers.json", { key: null })
  expect(catalogue.status).toBe(200)
  expect(catalogue.body.fake.auth_mode).toBe("API_KEY")
  expect(catalogue.headers.get("x-ratelimit-remaining")).not.toBeNull()
  const script = await sluice.call("GET", "/env.js", { key: null })
  expect(script.headers.get("content-type")).toStartWith("text/javascript")
  const [, env = ""] = /^window\._env = (.*);\n$/.exec(script.text) ?? []
  expect(JSON.parse(env)).toMatchObject({ apiUrl: `http://localhost:${sluice.port}`, websocketsPath: "/" })
})

test("a provider's picture is its initials, also where an integration names it", async () => {
  const key = await mintIntegration(world.sluice)
  const { body } = await world.sluice.call("GET", `/integrations/${key}`)
  const answer = await fetch(body.data.logo.replace("localhost", "127.0.0.1"))
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/svg+xml"])
  expect(await answer.text()).toMatch(/^<svg [^]*>F<\/text><\/svg>$/)
  for (const file of ["no-such.svg", "fake.png", "..%2f..%2fetc.svg"]) {
    expect((await world.sluice.call("GET", `/images/template-logos/${file}`)).status).toBe(404)
  }
})

test("a list of providers needs a key, and any will do", async () => {
  for (const path of ["/providers", "/providers/github", "/providers/github/templates"]) {
    expect((await world.sluice.call("GET", path, { key: null })).body.error.code).toBe("missing_auth_header")
    const twice = await world.sluice.call("GET", `${path}?page=1`)
    expect([twice.status, twice.body.error.code]).toEqual([400, "invalid_query_params"])
  }
})

test("telemetry is taken and dropped; that of the Connect page needs a token", async () => {
  const { sluice } = world
  const report = (path: string, body: unknown) => sluice.call("POST", path, { key: null, body })
  for (const body of [{ deviceId: crypto.randomUUID(), event: "cli:deploy" }, {}, [], { event: 5 }]) {
    const answer = await report("/cli/telemetry", body)
    expect([answer.status, answer.text]).toEqual([204, ""])
  }
  const token = `nango_connect_session_${"a".repeat(64)}`
  expect((await report("/connect/telemetry", { token, event: "open", timestamp: "now" })).status).toBe(204)
  for (const body of [{}, { token: "" }, { token: 5 }, []]) {
    const answer = await report("/connect/telemetry", body)
    expect([answer.status, answer.body.error.code]).toEqual([401, "invalid_connect_session_token_format"])
  }
})

test("the Connect page may report with cookies, from its own origin only", async () => {
  const url = `${world.sluice.url}/connect/telemetry`
  const asked = await fetch(url, { method: "OPTIONS", headers: { origin: "https://a.example" } })
  const origin = `http://localhost:${world.sluice.port}`
  const rules = ["origin", "methods", "headers", "credentials"].map((name) =>
    asked.headers.get(`access-control-allow-${name}`),
  )
  expect([asked.status, ...rules]).toEqual([204, origin, "POST", "Authorization, Content-type", "true"])
  expect(asked.headers.get("access-control-max-age")).toBe("36000")
  const reported = await fetch(url, { method: "POST", body: "{}", headers: { "content-type": "application/json" } })
  expect(reported.headers.get("access-control-allow-origin")).toBe(origin)
  expect(reported.headers.get("access-control-expose-headers")).toBe("content-type")
})
