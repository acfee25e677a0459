import { describe, expect } from "bun:test"
import type { FrameLocator, Page } from "playwright-core"
import { browserTest, closeBrowserAfterAll } from "./browser.ts"
import { only, type Script, settings, startOwner, startScripted, token } from "./scripted.ts"

closeBrowserAfterAll()

const oauth = (script: Partial<Script> = {}): Script => ({ ...only({ auth_mode: "OAUTH2" }), ...script })
const success = { message_type: "success", provider_config_key: "one", connection_id: "c-9", is_pending: false }
const failure = { message_type: "error", error_type: "token_err", error_desc: "The provider said: <b>no</b>" }
const settingsEvent = { type: "settings_changed", payload: settings }

const heard = (page: Page) => page.evaluate(() => (window as never as { heard: unknown[] }).heard)
/** Waits until the owner's page has heard of this. */
const hears = (page: Page, type: string) =>
  page.waitForFunction(
    (type) => (window as never as { heard: { type: string }[] }).heard.some((one) => one.type === type),
    type,
  )
const button = (where: Page | FrameLocator, name: string) => where.getByRole("button", { name, exact: true })
const frameOf = (page: Page) => page.frameLocator("#connect-ui")

/** Clicks and answers the window that opens. */
async function opens(page: Page, where: Page | FrameLocator, name = "Connect"): Promise<Page> {
  const [popup] = await Promise.all([page.waitForEvent("popup"), button(where, name).click()])
  return popup
}

describe("in a frame of another site", () => {
  browserTest("it gets its token by message, and tells its page in order what happens", async (page) => {
    await using daemon = await startScripted(oauth())
    await using owner = startOwner(`${daemon.url}/connect/?apiURL=https%3A%2F%2Fx.example`)
    await page.goto(owner.url)
    const popup = await opens(page, frameOf(page))
    await popup.waitForURL("**/oauth/connect/one?*")
    expect(Object.fromEntries(new URL(popup.url()).searchParams)).toEqual({
      connect_session_token: token,
      ws_client_id: "socket-1",
    })
    const gone = popup.waitForEvent("close")
    daemon.say({ message_type: "noise" })
    daemon.say(success)
    await frameOf(page).getByRole("heading", { name: "Acme is connected" }).waitFor()
    await gone
    await button(frameOf(page), "Done").click()
    await hears(page, "close")
    expect(await heard(page)).toEqual([
      { type: "ready" },
      settingsEvent,
      { type: "connect", payload: { providerConfigKey: "one", connectionId: "c-9", isPending: false } },
      { type: "close" },
    ])
  })

  browserTest("messages that are not the token's are passed over, also from other frames", async (page) => {
    await using daemon = await startScripted(only({ auth_mode: "API_KEY" }))
    const noise = [null, "x", { type: "session_token" }, { type: "nango_oauth_callback_success" }]
    await using owner = startOwner(`${daemon.url}/connect/`, noise)
    await page.goto(owner.url)
    await hears(page, "ready")
    await page.evaluate((sessionToken) => {
      const other = document.body.appendChild(document.createElement("iframe"))
      const script = other.contentDocument?.createElement("script")
      if (!script) throw new Error("The frame has no document.")
      script.textContent = `parent.frames[0].postMessage({ type: "session_token", sessionToken: "${sessionToken}" }, "*")`
      other.contentDocument?.body.append(script)
    }, "of somebody else")
    // The one of the parent comes after the other's: had that one counted, there would be two sessions.
    await page.evaluate((sessionToken) => {
      const frame = document.getElementById("connect-ui") as HTMLIFrameElement
      frame.contentWindow?.postMessage({ type: "session_token", sessionToken }, "*")
    }, token)
    await frameOf(page).getByLabel("API key", { exact: true }).waitFor()
    expect(daemon.seen.filter(({ path }) => path === "/connect/session")).toHaveLength(1)
  })

  browserTest("Esc, the cross and a click beside the card close it; one inside does not", async (page) => {
    await using daemon = await startScripted(only({ auth_mode: "API_KEY" }))
    await using owner = startOwner(`${daemon.url}/connect/`)
    await page.goto(owner.url)
    const closings = async () => (await heard(page)).filter((one) => (one as { type: string }).type === "close").length
    await frameOf(page).getByLabel("API key", { exact: true }).click()
    await frameOf(page).getByRole("heading").click()
    expect(await closings()).toBe(0)
    await page.keyboard.press("Escape")
    await button(frameOf(page), "Close").click()
    await page.mouse.click(5, 5)
    await page.waitForFunction(
      () => (window as never as { heard: { type: string }[] }).heard.filter((one) => one.type === "close").length === 3,
    )
  })

  browserTest("Tab goes round inside the dialog", async (page) => {
    await using daemon = await startScripted(only({ auth_mode: "API_KEY" }))
    await using owner = startOwner(`${daemon.url}/connect/`)
    await page.goto(owner.url)
    const dialog = frameOf(page).getByRole("dialog", { name: "Connect Acme" })
    await dialog.waitFor()
    await button(frameOf(page), "Connect").focus()
    await page.keyboard.press("Tab")
    await frameOf(page).locator("button[aria-label=Close]:focus").waitFor()
    await page.keyboard.press("Shift+Tab")
    await frameOf(page).locator("button[type=submit]:focus").waitFor()
  })

  browserTest("the ground behind the card lets the owner's page through", async (page) => {
    await using daemon = await startScripted(only({ auth_mode: "API_KEY" }))
    await using owner = startOwner(`${daemon.url}/connect/?theme=dark`)
    await page.goto(owner.url)
    await frameOf(page).getByRole("dialog").waitFor()
    const grounds = await frameOf(page)
      .locator("html")
      .evaluate((html) => [html, document.body].map((one) => getComputedStyle(one).backgroundColor))
    expect(grounds).toEqual(["rgba(0, 0, 0, 0)", "rgba(0, 0, 0, 0)"])
    expect(
      await frameOf(page)
        .locator("html")
        .evaluate((html) => getComputedStyle(html).colorScheme),
    ).toBe("normal")
  })
})

describe("the provider's window", () => {
  browserTest("what the provider refused is told and can be tried again", async (page) => {
    const script = oauth({ window: { frame: failure } })
    await using daemon = await startScripted(script)
    await using owner = startOwner(`${daemon.url}/connect/`)
    await page.goto(owner.url)
    await opens(page, frameOf(page))
    await frameOf(page).getByRole("alert").waitFor()
    expect(await frameOf(page).getByRole("alert").textContent()).toContain("The provider said: <b>no</b>")
    script.window = { frame: { ...success, is_pending: true } }
    await opens(page, frameOf(page), "Try again")
    await frameOf(page).getByRole("heading", { name: "Acme still has to approve" }).waitFor()
    expect(await heard(page)).toEqual([
      { type: "ready" },
      settingsEvent,
      { type: "error", payload: { errorType: "token_err", errorMessage: "The provider said: <b>no</b>" } },
      { type: "connect", payload: { providerConfigKey: "one", connectionId: "c-9", isPending: true } },
    ])
  })

  browserTest(
    "a window that the browser blocks is named, and can be tried again",
    async (page) => {
      await using daemon = await startScripted(oauth({ window: { frame: success } }))
      await page.goto(daemon.link())
      await button(page, "Connect").click()
      await page.getByText("Your browser blocked the window of Acme.").waitFor()
      await page.evaluate(() => (window as never as { allow: () => void }).allow())
      await opens(page, page, "Try again")
      await page.getByRole("heading", { name: "Acme is connected" }).waitFor()
    },
    {
      init: () => {
        const { open } = window
        window.open = () => null
        Object.assign(window, { allow: () => (window.open = open) })
      },
    },
  )

  browserTest("closing it counts where the opener wants that, and else nothing happens", async (page) => {
    await using daemon = await startScripted(oauth())
    await page.goto(daemon.link("&detectClosedAuthWindow=true"))
    await (await opens(page, page)).close()
    await page.getByText("The window of Acme was closed before the access was allowed.").waitFor()
    await page.goto(daemon.link())
    const popup = await opens(page, page)
    await popup.waitForURL("**/oauth/connect/**")
    await popup.close()
    await button(page, "Cancel").click()
    await page.getByRole("heading", { name: "Connect Acme" }).waitFor()
    expect(await page.getByRole("alert").count()).toBe(0)
  })

  browserTest("cancelling closes it, and a late answer changes nothing", async (page) => {
    await using daemon = await startScripted(oauth())
    await page.goto(daemon.link())
    const popup = await opens(page, page)
    await popup.waitForURL("**/oauth/connect/**")
    const gone = popup.waitForEvent("close")
    await button(page, "Cancel").click()
    await gone
    daemon.say(success)
    await opens(page, page)
    await page.getByRole("heading", { name: "Continue in the window of Acme" }).waitFor()
  })

  const lastPage = (message: unknown, channel: boolean) => `<!doctype html><title>Last page</title><script>
const message = ${JSON.stringify(message)}
const channel = new BroadcastChannel("nango-oauth-callback")
const onAck = ({ data }) => data.type === "nango_oauth_callback_ack" && (document.title = "Acknowledged")
channel.onmessage = onAck
addEventListener("message", onAck)
${channel ? "channel.postMessage(message)" : "opener.postMessage(message, '*')"}
</script>`
  const payload = { providerConfigKey: "one", connectionId: "c-7", isPending: false }
  const told = { type: "nango_oauth_callback_success", payload }

  browserTest("without a socket its last page tells how it went, by message or by channel", async (page) => {
    for (const channel of [false, true]) {
      await using daemon = await startScripted(oauth({ window: { noSocket: true, html: lastPage(told, channel) } }))
      await using owner = startOwner(`${daemon.url}/connect/`)
      await page.goto(owner.url)
      // A channel does not reach out of another site's frame.
      const where = channel ? page : frameOf(page)
      if (channel) await page.goto(daemon.link())
      const popup = await opens(page, where)
      const gone = popup.waitForEvent("close")
      await where.getByRole("heading", { name: "Acme is connected" }).waitFor()
      await gone
      expect(daemon.seen.find(({ path }) => path === "/oauth/connect/one")?.query).toEqual({
        connect_session_token: token,
      })
      if (!channel) expect(await heard(page)).toContainEqual({ type: "connect", payload })
    }
  })

  browserTest(
    "a last page that failed is believed also beside a socket; another integration's is not",
    async (page) => {
      const other = { ...told, payload: { ...payload, providerConfigKey: "other" } }
      const wrong = { type: "nango_oauth_callback_error", payload: { message: "Refused.", errorType: "callback_err" } }
      const script = oauth({ window: { noSocket: true, html: lastPage(other, false) } })
      await using daemon = await startScripted(script)
      await page.goto(daemon.link())
      const popup = await opens(page, page)
      await popup.waitForURL("**/oauth/connect/**")
      await popup.evaluate((message) => window.opener.postMessage(message, "*"), wrong)
      await page.getByRole("alert").waitFor()
      expect(await page.getByRole("alert").textContent()).toContain("Refused.")
    },
  )

  browserTest("what is typed first goes along", async (page) => {
    const config = { shop: { title: "Shop", suffix: ".acme.com" } }
    await using daemon = await startScripted(only({ auth_mode: "OAUTH2", connection_config: config }))
    await page.goto(daemon.link())
    await page.getByLabel("Shop").fill("a&b=c ü.acme.com")
    const popup = await opens(page, page)
    await popup.waitForURL("**/oauth/connect/one?*")
    expect(new URL(popup.url()).searchParams.get("params[shop]")).toBe("a&b=c ü")
  })
})
