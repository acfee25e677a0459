import axe from "axe-core"
import { describe, expect } from "bun:test"
import type { Page } from "playwright-core"
import { browserTest, closeBrowserAfterAll } from "./browser.ts"
import { only, type Script, settings, startScripted } from "./scripted.ts"

closeBrowserAfterAll()

/** Rules of WCAG 2.2 A and AA that the page breaks, each with where. */
async function broken(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
  const { violations } = await page.evaluate((tags) => (window as any).axe.run(document, { runOnly: tags }), tags)
  return violations.map(({ id, nodes }: axe.Result) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`)
}

const form: Script = only({
  auth_mode: "BASIC",
  docs_connect: "https://example.com/guide",
  credentials: { username: { title: "Email", description: "Yours.", doc_section: "#a" }, password: { secret: true } },
  connection_config: {
    shop: { title: "Shop", prefix: "https://", suffix: ".acme.com", example: "me" },
    region: { title: "Region", enum: ["eu", "us"], optional: true },
    key: { title: "Key", secret: true, example: "-----BEGIN" },
  },
})
const list: Script = {
  ...form,
  integrations: Array.from({ length: 20 }, (_, index) => ({
    unique_key: `k${index}`,
    provider: "acme",
    display_name: `Product ${index}`,
  })),
}
const refused = { status: 400, body: { error: { code: "connection_test_failed", message: "No such key." } } }

describe("the page keeps to WCAG 2.2 AA", () => {
  for (const theme of ["light", "dark"]) {
    const looks = {
      connectUISettings: { ...settings, theme: { light: { primary: "#ffd500" }, dark: { primary: "#12006b" } } },
    }
    const open = async (page: Page, script: Script) => {
      const daemon = await startScripted({ ...script, session: looks })
      await page.goto(daemon.link(`&theme=${theme}`))
      return daemon
    }

    browserTest(`${theme}: the list`, async (page) => {
      await using _ = await open(page, list)
      await page.getByRole("searchbox").waitFor()
      expect(await broken(page)).toEqual([])
    })

    browserTest(`${theme}: a form, and one with errors`, async (page) => {
      await using _ = await open(page, form)
      await page.getByRole("textbox", { name: "Email" }).waitFor()
      expect(await broken(page)).toEqual([])
      await page.getByRole("button", { name: "Connect", exact: true }).click()
      await page.getByText("Please fill this in.").first().waitFor()
      expect(await broken(page)).toEqual([])
    })

    browserTest(`${theme}: a refusal, a role, and the end`, async (page) => {
      const role = only({ auth_mode: "AWS_SIGV4", credentials: { role_arn: {} } })
      await using _ = await open(page, { ...role, answers: [refused] })
      await page.getByLabel("Role ARN").fill("arn:aws:iam::123456789012:role/x")
      await page.getByRole("button", { name: "Connect", exact: true }).click()
      await page.getByRole("alert").waitFor()
      expect(await broken(page)).toEqual([])
      await page.getByRole("button", { name: "Connect", exact: true }).click()
      await page.getByRole("heading", { name: "Acme is connected" }).waitFor()
      expect(await broken(page)).toEqual([])
    })

    browserTest(`${theme}: while the window is open`, async (page) => {
      await using _ = await open(page, only({ auth_mode: "OAUTH2" }))
      await page.getByRole("button", { name: "Connect", exact: true }).click()
      await page.getByRole("heading", { name: "Continue in the window of Acme" }).waitFor()
      expect(await broken(page)).toEqual([])
    })
  }
})
