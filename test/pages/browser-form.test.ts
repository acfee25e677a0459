import { describe, expect } from "bun:test"
import type { Page } from "playwright-core"
import { browserTest, closeBrowserAfterAll } from "./browser.ts"
import { connected, only, type Script, startScripted, token } from "./scripted.ts"

closeBrowserAfterAll()

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })
const alert = (page: Page) => page.getByRole("alert")
const focused = (page: Page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName)
const refusal = (code: string, message: string, errors?: unknown) => ({
  status: 400,
  body: { error: { code, message, ...(errors ? { errors } : {}) } },
})

describe("a link", () => {
  browserTest("the token leaves the address bar, and only the own daemon is called", async (page) => {
    await using daemon = await startScripted({ ...only({ auth_mode: "API_KEY" }), below: "/deep/sluice" })
    const hosts = new Set<string>()
    page.on("request", (request) => hosts.add(new URL(request.url()).host))
    await page.goto(daemon.link("&apiURL=https%3A%2F%2Fevil.example&lang=en"))
    await page.getByLabel("API key", { exact: true }).fill("k1")
    expect(page.url()).toBe(`${daemon.url}/connect/?apiURL=https%3A%2F%2Fevil.example&lang=en`)
    expect(await page.evaluate(() => document.referrer + JSON.stringify({ ...localStorage }))).not.toContain(token)
    await button(page, "Connect").click()
    await page.getByRole("heading", { name: "Acme is connected" }).waitFor()
    expect([...hosts]).toEqual([new URL(daemon.url).host])
    expect(daemon.posted()).toMatchObject([
      { path: "/api-auth/api-key/one", query: { connect_session_token: token }, body: { apiKey: "k1" } },
    ])
    expect(daemon.seen.find(({ path }) => path === "/providers/acme")?.headers.get("accept-language")).toBe("en")
  })

  browserTest("a link without a token, and one that is over", async (page) => {
    await using daemon = await startScripted(only({ auth_mode: "API_KEY" }))
    await page.goto(`${daemon.url}/connect/`)
    await page.getByRole("heading", { name: "This link is not complete" }).waitFor()
    await page.goto(daemon.link().replace("aaaa", "bbbb"))
    await page.getByRole("heading", { name: "This link has expired" }).waitFor()
    expect(await focused(page)).toBe("heading")
  })

  browserTest("a session that ends while the form is filled in", async (page) => {
    const over = { status: 401, body: { error: { code: "unknown_connect_session_token", message: "Over." } } }
    await using daemon = await startScripted({ ...only({ auth_mode: "NONE" }), answers: [over] })
    await page.goto(daemon.link())
    await page.getByText("One click connects it").waitFor()
    await button(page, "Connect").click()
    await page.getByRole("heading", { name: "This link has expired" }).waitFor()
    expect(daemon.posted()[0]?.body).toBeUndefined()
  })

  browserTest("a daemon that cannot be reached is tried again", async (page) => {
    await using daemon = await startScripted(only({ auth_mode: "API_KEY" }))
    await page.route("**/integrations", (route) => route.abort())
    await page.goto(daemon.link())
    await page.getByText("There is no answer from the server").waitFor()
    await page.unroute("**/integrations")
    await button(page, "Try again").click()
    await page.getByRole("heading", { name: "Connect Acme" }).waitFor()
  })
})

describe("a form", () => {
  const shop: Script = only({
    auth_mode: "BASIC",
    docs_connect: "https://example.com/guide",
    credentials: {
      username: { title: "Email", format: "email", description: "As you sign in.", doc_section: "#step-1" },
      password: { title: "Token", secret: true },
    },
    connection_config: {
      shop: {
        title: "Shop",
        prefix: "https://",
        suffix: ".acme.com",
        pattern: "^[a-z0-9-]+$",
        example: "me",
        order: 1,
      },
      region: { title: "Region", enum: ["eu", "us"], order: 2 },
    },
  })

  browserTest("says what is wrong, at the field, and goes to the first one", async (page) => {
    await using daemon = await startScripted(shop)
    await page.goto(daemon.link())
    const [site, email] = [page.getByLabel("Shop"), page.getByRole("textbox", { name: "Email" })]
    await site.fill("Not valid!")
    await email.fill("nobody")
    await button(page, "Connect").click()
    expect(await focused(page)).toBe("config-shop")
    expect(await site.getAttribute("aria-invalid")).toBe("true")
    const described = (await email.getAttribute("aria-describedby"))?.split(" ") ?? []
    const texts = await Promise.all(described.map((id) => page.locator(`#${id}`).textContent()))
    expect(texts).toEqual(["As you sign in.", "This must be an email address."])
    await page.getByText("This does not have the right form. Example: me").waitFor()
    await page.getByText("Please fill this in.").nth(1).waitFor()
    expect(daemon.posted()).toEqual([])
    await email.fill("a@example.com")
    expect(await email.getAttribute("aria-invalid")).toBeNull()
  })

  browserTest("cuts what was pasted, sends everything, all with the keyboard", async (page) => {
    await using daemon = await startScripted(shop)
    await page.goto(daemon.link())
    await page.getByLabel("Shop").focus()
    await page.keyboard.insertText("https://my-shop.acme.com/admin?x=1")
    await page.keyboard.press("Tab")
    expect(await page.getByLabel("Shop").inputValue()).toBe("my-shop")
    await page.keyboard.press("e")
    // The way to the instructions is on the way to the field.
    await page.keyboard.press("Tab")
    expect(await page.evaluate(() => (document.activeElement as HTMLAnchorElement).href)).toBe(
      "https://example.com/guide#step-1",
    )
    await page.keyboard.press("Tab")
    await page.keyboard.insertText("a@example.com")
    await page.keyboard.press("Tab")
    await page.keyboard.insertText(" s3cret&ü ")
    await page.keyboard.press("Enter")
    await page.getByRole("heading", { name: "Acme is connected" }).waitFor()
    expect(daemon.posted()).toMatchObject([
      {
        path: "/api-auth/basic/one",
        query: { "params[shop]": "my-shop", "params[region]": "eu" },
        body: { username: "a@example.com", password: "s3cret&ü" },
      },
    ])
  })

  browserTest("a secret is hidden until it is shown, and a key keeps its lines", async (page) => {
    const provider = { auth_mode: "JWT", credentials: { issuer: { secret: true }, privateKey: { secret: true } } }
    await using daemon = await startScripted(only(provider))
    await page.goto(daemon.link())
    const issuer = page.getByLabel("issuer", { exact: true })
    expect(await issuer.getAttribute("type")).toBe("password")
    expect(await issuer.getAttribute("autocomplete")).toBe("off")
    await page.getByRole("button", { name: "Show issuer" }).click()
    expect(await issuer.getAttribute("type")).toBe("text")
    await page.getByRole("button", { name: "Hide issuer" }).waitFor()
    await issuer.fill("me")
    await page.getByLabel("privateKey", { exact: true }).fill("-----BEGIN-----\nab\n-----END-----\n")
    await button(page, "Connect").click()
    await page.getByRole("heading", { name: "Acme is connected" }).waitFor()
    expect(daemon.posted()[0]?.body).toEqual({ issuer: "me", privateKey: "-----BEGIN-----\nab\n-----END-----" })
  })

  browserTest("a refusal keeps what was typed and shows the provider's words as text", async (page) => {
    const words = "No. <img src=x onerror=alert(1)> & goodbye"
    const answers = [refusal("connection_test_failed", words), { status: 200, body: connected }]
    await using daemon = await startScripted({ ...only({ auth_mode: "API_KEY" }), answers })
    await page.goto(daemon.link())
    await page.getByLabel("API key", { exact: true }).fill("wrong")
    await button(page, "Connect").click()
    await alert(page).waitFor()
    expect(await alert(page).textContent()).toBe(`Acme could not be connected${words}`)
    expect(await page.locator("main img").count()).toBe(0)
    expect(await page.getByLabel("API key", { exact: true }).inputValue()).toBe("wrong")
    await page.getByLabel("API key", { exact: true }).fill("right")
    await button(page, "Connect").click()
    await page.getByRole("heading", { name: "Acme is connected" }).waitFor()
    expect(daemon.posted().map(({ body }) => body)).toEqual([{ apiKey: "wrong" }, { apiKey: "right" }])
  })

  browserTest("refused values are shown at their fields, and an empty answer as such", async (page) => {
    const issue = { code: "too_small", message: "Much too short", path: ["apiKey"] }
    const broken = { status: 502, body: "<html>" }
    const answers = [{ status: 400, body: { error: { code: "invalid_body", errors: [issue] } } }, broken]
    await using daemon = await startScripted({ ...only({ auth_mode: "API_KEY" }), answers })
    await page.goto(daemon.link())
    await page.getByLabel("API key", { exact: true }).fill("x")
    await button(page, "Connect").click()
    await page.getByText("Much too short").waitFor()
    await page.getByText("Please look at the marked fields.").waitFor()
    await button(page, "Connect").click()
    await page.getByText("The server gave no reason.").waitFor()
  })

  browserTest("of a role the external id is shown, survives a reload, and goes along", async (page) => {
    await using daemon = await startScripted(only({ auth_mode: "AWS_SIGV4", credentials: { role_arn: {} } }))
    await page.goto(daemon.link())
    const id = await page.getByLabel("External ID").inputValue()
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    await page.goto(daemon.link())
    expect(await page.getByLabel("External ID").inputValue()).toBe(id)
    await page.getByLabel("Role ARN").fill("arn:aws:iam::123456789012:role/reader")
    await button(page, "Connect").click()
    await page.getByRole("heading", { name: "Acme is connected" }).waitFor()
    expect(daemon.posted()[0]).toMatchObject({
      path: "/auth/aws-sigv4/one",
      query: { "params[external_id]": id },
      body: { role_arn: "arn:aws:iam::123456789012:role/reader" },
    })
  })
})

describe("the list", () => {
  const many = (count: number): Script => ({
    ...only({ auth_mode: "API_KEY" }),
    integrations: Array.from({ length: count }, (_, index) => ({
      unique_key: `key-${index}`,
      provider: "acme",
      display_name: `Product ${index}`,
    })),
  })

  browserTest("searches where there are many, goes in and back, and keeps what was typed", async (page) => {
    await using daemon = await startScripted(many(12))
    await page.goto(daemon.link())
    await page.getByRole("searchbox").fill("nothing like it")
    await page.getByText("Nothing matches “nothing like it”.").waitFor()
    await page.getByRole("searchbox").fill("prod 11")
    expect(await page.getByRole("listitem").count()).toBe(1)
    await page.getByRole("button", { name: "Product 11" }).click()
    await page.getByLabel("API key", { exact: true }).fill("typed")
    await button(page, "Back").click()
    await page.getByRole("button", { name: "Product 11" }).click()
    expect(await page.getByLabel("API key", { exact: true }).inputValue()).toBe("typed")
  })

  browserTest("has no search where there are few, and says when there is nothing", async (page) => {
    await using few = await startScripted(many(8))
    await page.goto(few.link())
    await page.getByRole("heading", { name: "Connect an account" }).waitFor()
    expect(await page.getByRole("searchbox").count()).toBe(0)
    await using none = await startScripted({ integrations: [] })
    await page.goto(none.link())
    await page.getByRole("heading", { name: "There is nothing to connect" }).waitFor()
  })
})

/** Colours change by and by. */
async function hasColors(page: Page, ground: string, text: string): Promise<void> {
  await page.waitForFunction(
    ([ground, text]) => {
      const button = document.querySelector("button[type=submit]")
      const style = button && getComputedStyle(button)
      return style?.backgroundColor === ground && style.color === text
    },
    [ground, text] as const,
  )
}

describe("how it looks", () => {
  const themeOf = (page: Page) => page.evaluate(() => document.documentElement.dataset.theme)
  const auto = {
    connectUISettings: {
      showWatermark: false,
      defaultTheme: "system",
      theme: { light: { primary: "#112233" }, dark: { primary: "#ffee00" } },
    },
  }

  browserTest("the system's theme, the operator's colours, no mark", async (page) => {
    await using daemon = await startScripted({ ...only({ auth_mode: "NONE" }), session: auto })
    await page.goto(daemon.link())
    await hasColors(page, "rgb(17, 34, 51)", "rgb(255, 255, 255)")
    await page.emulateMedia({ colorScheme: "dark" })
    await hasColors(page, "rgb(255, 238, 0)", "rgb(0, 0, 0)")
    expect(await themeOf(page)).toBe("dark")
    expect(await page.getByText("Powered by").count()).toBe(0)
  })

  browserTest("the opener's theme and language win", async (page) => {
    await using daemon = await startScripted({
      ...only({ auth_mode: "NONE" }),
      session: { ...auto, isReconnecting: true },
    })
    await page.goto(daemon.link("&theme=dark&lang=de"))
    await page.getByRole("heading", { name: "Acme neu verbinden" }).waitFor()
    expect(await themeOf(page)).toBe("dark")
    expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([
      "de",
      "ltr",
    ])
    await button(page, "Neu verbinden").click()
    await page.getByRole("heading", { name: "Acme ist wieder verbunden" }).waitFor()
  })

  browserTest(
    "on a narrow telephone nothing is cut off",
    async (page) => {
      const long = "A very long name of a product that somebody made up"
      const config = {
        host: { title: long, prefix: "https://", suffix: ".a-very-long-domain.example.com", description: long },
      }
      await using daemon = await startScripted(
        only({ auth_mode: "API_KEY", connection_config: config }, { display_name: long }),
      )
      await page.goto(daemon.link())
      await page.getByLabel(long).waitFor()
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
      expect((await page.getByLabel(long).boundingBox())?.width).toBeGreaterThan(60)
    },
    { viewport: { width: 360, height: 640 }, hasTouch: true },
  )
})
