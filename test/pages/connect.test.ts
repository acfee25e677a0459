import { afterAll, beforeAll, describe, expect } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { FrameLocator, Page } from "playwright-core"
import { type FakeProvider, startFakeProvider } from "../../src/fake-provider/server.ts"
import type { AuthMode } from "../../src/providers/model.ts"
import { keyOf, rows, table } from "../auth/mode-rows.ts"
import { type Sluice, startSluice, temporaryFolder } from "../helpers/sluice.ts"
import { browserTest, closeBrowserAfterAll, installable } from "./browser.ts"

/*
 * The whole way: the official front end's `openConnectUI` on a page of another site, the page that the executable serves
 * in its frame, and the fake provider in its window.
 */

/** Hosts that only stand in the outside world: their modes are connected inside the process, in `test/auth`. */
const elsewhere: AuthMode[] = ["MCP_OAUTH2_GENERIC", "AWS_SIGV4"]
const here = table.filter(([mode]) => !elsewhere.includes(mode))

let obliging: FakeProvider
let asking: FakeProvider
let sluice: Sluice
let owner: Bun.Server<undefined>
/** The daemon by the name that providers send browsers back to. */
let host: string

beforeAll(async () => {
  obliging = await startFakeProvider({ oauth: { auto: true } })
  asking = await startFakeProvider()
  const folder = temporaryFolder("providers")
  const write = (name: string, title: string, text: string) =>
    writeFileSync(join(folder, `${name}.yaml`), `display_name: ${title}\ndocs: https://example.com\n${text}`)
  for (const [mode, { provider }] of here) write(keyOf(mode), mode, provider.replaceAll("FAKE", obliging.url))
  write("asks", "Asking", rows.OAUTH2.provider.replaceAll("FAKE", asking.url))
  sluice = await startSluice({ env: { SLUICE_PROVIDERS: folder, SLUICE_EGRESS_ALLOW: "127.0.0.0/8" } })
  host = sluice.url.replace("127.0.0.1", "localhost")
  for (const [mode, { integration }] of here) await integrate(keyOf(mode), integration)
  await integrate("asks", rows.OAUTH2.integration)
  owner = await startOwnersApp()
})
afterAll(async () => {
  await owner.stop(true)
  await sluice.stop()
  await Promise.all([obliging.stop(), asking.stop()])
})
closeBrowserAfterAll()

async function integrate(provider: string, more: Record<string, unknown> = {}): Promise<void> {
  const made = await sluice.call("POST", "/integrations", { body: { provider, unique_key: provider, ...more } })
  if (made.status !== 200) throw new Error(made.text)
}

/** A page with the official front end, bundled as owners do. */
async function startOwnersApp(): Promise<Bun.Server<undefined>> {
  const sdk = Bun.resolveSync("@nangohq/frontend", import.meta.dir)
  const entry = `import Nango from ${JSON.stringify(sdk)}
window.events = []
window.connect = (baseURL, apiURL, sessionToken, more) => {
  const ui = new Nango().openConnectUI({ baseURL, apiURL, onEvent: (event) => window.events.push(event), ...more })
  ui.setSessionToken(sessionToken)
}`
  const built = await Bun.build({ entrypoints: ["owner.ts"], files: { "owner.ts": entry }, target: "browser" })
  const script = (await built.outputs[0]?.text()) ?? ""
  const html = '<!doctype html><title>Owner</title><h1>The app</h1><script type="module" src="/app.js"></script>'
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) => {
      const isScript = url.endsWith("/app.js")
      return new Response(isScript ? script : html, {
        headers: { "content-type": isScript ? "text/javascript" : "text/html" },
      })
    },
  })
}

async function openSession(body: Record<string, unknown>, path = "/connect/sessions") {
  const answer = await sluice.call("POST", path, { body: { end_user: { id: "u1" }, ...body } })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.body.data as { token: string; connect_link: string }
}

/** Opens the Connect page as an owner's app does. */
async function openUi(page: Page, token: string, more: Record<string, unknown> = {}): Promise<FrameLocator> {
  await page.goto(`http://127.0.0.1:${owner.port}/`)
  await page.waitForFunction("window.connect")
  await page.evaluate(([host, token, more]) => (window as any).connect(`${host}/connect`, host, token, more), [
    host,
    token,
    more,
  ] as const)
  return page.frameLocator("#connect-ui")
}

const button = (where: Page | FrameLocator, name: string) => where.getByRole("button", { name, exact: true })
/** What the owner's page has heard, once it was told of this kind of event. */
async function eventsUntil(page: Page, type: string): Promise<any[]> {
  await page.waitForFunction((type) => (window as any).events.some((one: any) => one.type === type), type)
  return page.evaluate("window.events")
}
const only = (key: string) => openSession({ allowed_integrations: [key] })

async function show(key: string, id: string): Promise<any> {
  const answer = await sluice.call("GET", `/connections/${id}?provider_config_key=${key}`)
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.body
}

describe("a person connects", () => {
  browserTest("at the provider: says no, then yes, and the owner's page hears it in order", async (page) => {
    const ui = await openUi(page, (await only("asks")).token)
    const [first] = await Promise.all([page.waitForEvent("popup"), button(ui, "Connect").click()])
    await button(first, "Deny").click()
    await ui.getByRole("alert").waitFor()
    expect(await ui.getByRole("alert").textContent()).toContain("access_denied")
    const [second] = await Promise.all([page.waitForEvent("popup"), button(ui, "Try again").click()])
    const gone = second.waitForEvent("close")
    await button(second, "Allow").click()
    await ui.getByRole("heading", { name: "Asking is connected" }).waitFor()
    await gone
    await button(ui, "Done").click()
    const events = await eventsUntil(page, "close")
    expect(events.map(({ type }) => type)).toEqual(["ready", "settings_changed", "error", "connect", "close"])
    expect(events[2].payload).toEqual({ errorType: "callback_err", errorMessage: "access_denied" })
    const { connectionId, providerConfigKey, isPending } = events[3].payload
    expect([providerConfigKey, isPending]).toEqual(["asks", false])
    expect(await show("asks", connectionId)).toMatchObject({ provider_config_key: "asks", end_user: { id: "u1" } })
    // The official front end takes the frame away when it hears that it was closed.
    await page.locator("#connect-ui").waitFor({ state: "detached" })
  })

  browserTest("with a key that is wrong at first", async (page) => {
    const key = keyOf("API_KEY")
    const ui = await openUi(page, (await only(key)).token, { lang: "de", themeOverride: "dark" })
    await ui.getByLabel("apiKey", { exact: true }).fill("wrong-api-key")
    await button(ui, "Verbinden").click()
    await ui.getByRole("alert").waitFor()
    expect(await ui.getByLabel("apiKey", { exact: true }).inputValue()).toBe("wrong-api-key")
    await ui.getByLabel("apiKey", { exact: true }).fill("fake-api-key")
    await button(ui, "Verbinden").click()
    await ui.getByRole("heading", { name: "API_KEY ist verbunden" }).waitFor()
    const events = await eventsUntil(page, "connect")
    expect(events.map(({ type }) => type)).toEqual(["ready", "settings_changed", "error", "connect"])
    expect(events[2].payload.errorType).toBe("connection_test_failed")
    expect((await show(key, events[3].payload.connectionId)).credentials.apiKey).toBe("fake-api-key")
  })

  browserTest("again, and the connection keeps its id", async (page) => {
    const key = keyOf("TWO_STEP")
    const { username, password } = rows.TWO_STEP.typed as Record<string, string>
    const typeIn = async (ui: FrameLocator, name: string) => {
      await ui.getByLabel("username", { exact: true }).fill(username ?? "")
      await ui.getByLabel("password", { exact: true }).fill(password ?? "")
      await button(ui, name).click()
      return (await eventsUntil(page, "connect")).at(-1).payload.connectionId as string
    }
    const id = await typeIn(await openUi(page, (await only(key)).token), "Connect")
    const asked = { connection_id: id, integration_id: key }
    const ui = await openUi(page, (await openSession(asked, "/connect/sessions/reconnect")).token)
    expect(await typeIn(ui, "Reconnect")).toBe(id)
    await ui.getByRole("heading", { name: "TWO_STEP is connected again" }).waitFor()
  })

  browserTest("from a list, in which only what the session allows stands", async (page) => {
    const { token } = await openSession({ allowed_integrations: ["asks", keyOf("NONE")] })
    const ui = await openUi(page, token)
    await ui.getByRole("button", { name: "NONE" }).waitFor()
    expect(await ui.getByRole("listitem").count()).toBe(2)
    await ui.getByRole("button", { name: "NONE" }).click()
    await button(ui, "Connect").click()
    const [, , connect] = await eventsUntil(page, "connect")
    expect(connect.payload).toMatchObject({ providerConfigKey: keyOf("NONE") })
  })

  browserTest("with a link that somebody sent, by another name of the daemon too", async (page) => {
    for (const name of ["localhost", "127.0.0.1"]) {
      const { connect_link } = await only("asks")
      await page.goto(connect_link.replace("localhost", name))
      const [popup] = await Promise.all([page.waitForEvent("popup"), button(page, "Connect").click()])
      await button(popup, "Allow").click()
      await page.getByText("You can close this page.").waitFor()
      expect(page.url()).toBe(`${host.replace("localhost", name)}/connect/`)
    }
  })

  browserTest("without a socket, and the owner's page still learns which connection it is", async (page) => {
    await page.context().routeWebSocket(/.*/, (socket) => socket.close())
    const ui = await openUi(page, (await only("asks")).token)
    const [popup] = await Promise.all([page.waitForEvent("popup"), button(ui, "Connect").click()])
    await button(popup, "Allow").click()
    await ui.getByRole("heading", { name: "Asking is connected" }).waitFor()
    const { connectionId } = (await eventsUntil(page, "connect")).at(-1).payload
    expect((await show("asks", connectionId)).connection_id).toBe(connectionId)
  })

  browserTest("not with a session that is over", async (page) => {
    const { token } = await only("asks")
    await sluice.call("DELETE", "/connect/session", { key: token })
    const ui = await openUi(page, token)
    await ui.getByRole("heading", { name: "This link has expired" }).waitFor()
    const events = await eventsUntil(page, "error")
    expect(events.at(-1).payload.errorType).toBe("unknown_connect_session_token")
  })
})

describe("every auth mode goes through the page", () => {
  for (const [mode, row] of here) {
    browserTest(mode, async (page) => {
      await installable(page, host)
      const key = keyOf(mode)
      const ui = await openUi(page, (await only(key)).token)
      await button(ui, "Connect").waitFor()
      for (const [group, values] of [["credentials", row.typed] as const, ["config", row.config] as const]) {
        for (const [name, value] of Object.entries(values ?? {})) {
          if (name !== "type") await ui.locator(`#${group}-${name}`).fill(String(value))
        }
      }
      await button(ui, "Connect").click()
      await ui.getByRole("heading", { name: `${mode} is connected` }).waitFor()
      const events = await eventsUntil(page, "connect")
      const made = await show(key, events.at(-1).payload.connectionId)
      expect([made.credentials.type, made.end_user?.id]).toEqual([row.stored, "u1"])
    })
  }
})
