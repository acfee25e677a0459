import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { type Sluice, startSluice, until } from "../helpers/sluice.ts"

const client = { client_id: "fake-client-id", client_secret: "fake-client-secret" }
const callback = "http://localhost/callback"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
beforeAll(async () => {
  world = await startWithFake({ sluice: { keepData: true } })
  sluice = world.sluice
  const body = { provider: "github", unique_key: "github", credentials: { type: "OAUTH2", ...client } }
  expect((await sluice.call("POST", "/integrations", { body })).status).toBe(200)
})
afterAll(async () => {
  await sluice.stop()
  await world.fake.stop()
})

/** Tokens as a browser flow elsewhere would have got them, already past their end. */
async function importExpired(connection_id: string): Promise<void> {
  const { url } = world.fake
  const ask = new URLSearchParams({ ...client, response_type: "code", redirect_uri: callback, auto: "1" })
  const back = await fetch(`${url}/oauth/authorize?${ask.toString()}`, { redirect: "manual" })
  const code = new URL(back.headers.get("location") ?? "").searchParams.get("code") ?? ""
  const form = new URLSearchParams({ ...client, grant_type: "authorization_code", code, redirect_uri: callback })
  const tokens = (await (await fetch(`${url}/oauth/token`, { method: "POST", body: form })).json()) as Record<
    string,
    string
  >
  const { access_token, refresh_token } = tokens
  const credentials = { type: "OAUTH2", access_token, refresh_token, expires_at: "2020-01-01T00:00:00Z" }
  const imported = await sluice.call("POST", "/connections", {
    body: { provider_config_key: "github", connection_id, credentials },
  })
  expect(imported.status).toBe(201)
}

const read = (id: string) => sluice.call("GET", `/connections/${id}?provider_config_key=github`)
const tokenRequests = () => world.fake.requests.filter(({ path }) => path === "/oauth/token").length

test("200 parallel calls on an expired token make one request for a token", async () => {
  await importExpired("many")
  const before = tokenRequests()
  const headers = { "connection-id": "many", "provider-config-key": "github" }
  const calls = Array.from({ length: 200 }, (_, n) =>
    n % 2 ? read("many") : sluice.call("GET", "/proxy/secure/echo", { headers }),
  )
  const statuses = (await Promise.all(calls)).map(({ status }) => status)
  expect(statuses).toEqual(statuses.map(() => 200))
  expect(tokenRequests() - before).toBe(1)
}, 60_000)

test("killed between the provider's answer and the commit, the next call says why", async () => {
  await importExpired("lost")
  // The daemon is stopped in its tracks while the answer waits in its socket.
  world.fake.control({ faults: [{ match: { path: "/oauth/token" }, delayMs: 300, times: 1 }] })
  const before = tokenRequests()
  const cut = read("lost").catch(() => undefined)
  await until(() => tokenRequests() > before, "the refresh to be on its way")
  process.kill(sluice.pid, "SIGSTOP")
  await until(() => world.fake.requests.at(-1)?.status === 200, "the provider to answer")
  await sluice.kill()
  await cut
  sluice = await startSluice({ dataDir: sluice.dataDir, key: sluice.key, env: world.env, keepData: true })
  const answer = await read("lost")
  expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_credentials"])
  expect(answer.body.error.message).toContain("cut off")
  expect(answer.body.error.payload.connection.errors).toEqual([{ type: "auth", log_id: expect.any(String) }])
  await importExpired("lost")
  expect((await read("lost")).body.errors).toEqual([])
}, 60_000)

test("a daemon that is asked to stop stores the token that is on its way", async () => {
  await importExpired("stopped")
  world.fake.control({ faults: [{ match: { path: "/oauth/token" }, delayMs: 500, times: 1 }] })
  const before = tokenRequests()
  const waiting = read("stopped").catch(() => undefined)
  await until(() => tokenRequests() > before, "the refresh to be on its way")
  expect(await sluice.stop()).toBe(0)
  await waiting
  sluice = await startSluice({ dataDir: sluice.dataDir, key: sluice.key, env: world.env, keepData: true })
  const { status, body } = await read("stopped")
  expect([status, body.errors, tokenRequests() - before]).toEqual([200, [], 1])
}, 60_000)
