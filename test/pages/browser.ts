import { afterAll, test } from "bun:test"
import { existsSync } from "node:fs"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"

/** Debian's Chromium, or what `SLUICE_CHROMIUM` names. */
const path = process.env.SLUICE_CHROMIUM ?? "/usr/bin/chromium"
const howToGet = "needs Chromium: apt-get install chromium, or SLUICE_CHROMIUM=<path>"
const isThere = existsSync(path)

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]

let launched: Promise<Browser> | undefined

type Options = BrowserContextOptions & { init?: () => void }

/** A test with a fresh browser context. It is skipped without a browser, unless nothing may be skipped: then it fails. */
export function browserTest(name: string, run: (page: Page) => Promise<void>, options: Options = {}): void {
  if (!isThere && process.env.SLUICE_TEST_ALL !== "1") return test.skip(`${name} (${howToGet})`, () => undefined)
  test(name, () => withPage(options, run), 90_000)
}

async function withPage({ init, ...options }: Options, run: (page: Page) => Promise<void>): Promise<void> {
  if (!isThere) throw new Error(`${path} is missing: this test ${howToGet}`)
  launched ??= chromium.launch({ executablePath: path, headless: true, args })
  const context = await (await launched).newContext({ locale: "en-US", reducedMotion: "reduce", ...options })
  context.setDefaultTimeout(30_000)
  if (init) await context.addInitScript(init)
  const page = await context.newPage()
  const wrong: string[] = []
  // Whatever the policy refuses or a script throws is a fault of the page, also when nobody sees it.
  page.on("pageerror", (error) => wrong.push(String(error)))
  page.on("console", (message) => {
    if (/Content Security Policy|violates/.test(message.text())) wrong.push(message.text())
  })
  try {
    await run(page)
    if (wrong.length > 0) throw new Error(`The page has errors:\n${wrong.join("\n")}`)
  } finally {
    await context.close()
  }
}

/** To be called once in each file that has browser tests. */
export function closeBrowserAfterAll(): void {
  afterAll(async () => {
    const browser = await launched
    launched = undefined
    await browser?.close()
  })
}

/** Stands in for the pages at which an account installs an app: they send the browser back to `host` at once. */
export async function installable(page: Page, host: string): Promise<void> {
  await page.context().route(/app\.example\.com|plugin\.example\.com/, (route) => {
    const { searchParams } = new URL(route.request().url())
    const payload = searchParams.get("payload")
    const query =
      payload === null
        ? `state=${searchParams.get("state")}&installation_id=77&setup_action=install`
        : `payload=${payload}&website_id=site-1`
    return route.fulfill({ status: 302, headers: { location: `${host}/oauth/callback?${query}` } })
  })
}
