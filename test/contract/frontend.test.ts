import { afterAll, beforeAll, describe, expect } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Page } from "playwright-core"
import type { AuthMode } from "../../src/providers/model.ts"
import { type FakeProvider, startFakeProvider } from "../../src/fake-provider/server.ts"
import { keyOf, type Row, rows, table } from "../auth/mode-rows.ts"
import { type Sluice, startSluice, temporaryFolder } from "../helpers/sluice.ts"
import { connectionAt, deployTo } from "./stage.ts"
import { browserTest, closeBrowserAfterAll, installable } from "../pages/browser.ts"

/** Hosts that only stand in the outside world: their modes are connected inside the process, in `test/auth`. */
const elsewhere: AuthMode[] = ["MCP_OAUTH2_GENERIC", "AWS_SIGV4"]
const here = table.filter(([mode]) => !elsewhere.includes(mode))

/** Asks the provider how it sees a request of the function. */
const whoami = `import { createAction } from "nango"
import * as z from "zod"
export default createAction({
  description: "Asks who is calling",
  version: "1.0.0",
  input: z.void(),
  output: z.any(),
  exec: async (nango) => (await nango.get({ endpoint: "/whoami" })).data,
})
`

let fake: FakeProvider
let sluice: Sluice
let site: Bun.Server<undefined>
beforeAll(async () => {
  fake = await startFakeProvider({ oauth: { auto: true } })
  const folder = temporaryFolder("providers")
  mkdirSync(folder, { recursive: true })
  for (const [mode, { provider }] of here) {
    const head = `display_name: ${mode}\ndocs: https://example.com\n`
    writeFileSync(join(folder, `${keyOf(mode)}.yaml`), head + provider.replaceAll("FAKE", fake.url))
  }
  sluice = await startSluice({ env: { SLUICE_PROVIDERS: folder, SLUICE_EGRESS_ALLOW: "127.0.0.0/8" } })
  for (const [mode, { integration }] of here) {
    const body = { provider: keyOf(mode), unique_key: keyOf(mode), ...integration }
    const made = await sluice.call("POST", "/integrations", { body })
    if (made.status !== 200) throw new Error(made.text)
    await deployTo(sluice, keyOf(mode), { "actions/whoami.ts": whoami })
  }
  site = await startSite()
})
afterAll(async () => {
  await site.stop(true)
  await sluice.stop()
  await fake.stop()
})
closeBrowserAfterAll()

/** The owner's own web page, of another origin, with the official front end in it. */
async function startSite(): Promise<Bun.Server<undefined>> {
  const entry = join(temporaryFolder("site"), "entry.ts")
  const sdk = Bun.resolveSync("@nangohq/frontend", import.meta.dir)
  mkdirSync(join(entry, ".."), { recursive: true })
  writeFileSync(entry, `import Nango from ${JSON.stringify(sdk)}\nglobalThis.Nango = Nango`)
  const built = await Bun.build({ entrypoints: [entry], target: "browser" })
  const script = (await built.outputs[0]?.text()) ?? ""
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) =>
      url.endsWith("/site.js")
        ? new Response(script, { headers: { "content-type": "text/javascript" } })
        : new Response('<!doctype html><script type="module" src="/site.js"></script>', {
            headers: { "content-type": "text/html" },
          }),
  })
}

const openSession = async (body: Record<string, unknown> = { end_user: { id: "u1" } }, path = "/connect/sessions") =>
  (await sluice.call("POST", path, { body })).body.data.token as string

type Call = { method: "auth" | "create" | "reconnect"; key: string; options?: Record<string, unknown> }
type Result = {
  providerConfigKey?: string
  connectionId?: string
  isPending?: boolean
  type?: string
  message?: string
}

/** One call of the front end, in the browser. */
async function call(page: Page, token: string, { method, key, options }: Call): Promise<Result> {
  await page.goto(`http://127.0.0.1:${site.port}/`)
  await page.waitForFunction("globalThis.Nango")
  return page.evaluate(
    async ([host, connectSessionToken, method, key, options]) => {
      const nango = new (globalThis as any).Nango({ host, connectSessionToken })
      return nango[method](key, options).catch((error: any) => ({ type: error.type, message: error.message }))
    },
    // By the name that the callback has, as browsers do.
    [sluice.url.replace("127.0.0.1", "localhost"), token, method, key, options] as const,
  )
}

const credentialsOf = (mode: AuthMode, { typed }: Row) =>
  mode === "JWT" || mode === "TWO_STEP" || mode === "SIGNATURE" ? { type: mode, ...typed } : typed

async function show(key: string, id: string) {
  const answer = await sluice.call("GET", `/connections/${id}?provider_config_key=${key}`)
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.body
}

describe("the official front end connects", () => {
  for (const [mode, row] of here) {
    browserTest(mode, async (page) => {
      await installable(page, sluice.url.replace("127.0.0.1", "localhost"))
      const token = await openSession()
      const credentials = credentialsOf(mode, row)
      const options = mode === "NONE" ? undefined : { params: row.config, ...(credentials ? { credentials } : {}) }
      const method = mode === "NONE" ? ("create" as const) : ("auth" as const)
      const key = keyOf(mode)
      const { connectionId = "", providerConfigKey } = await call(page, token, { method, key, options })
      expect(providerConfigKey).toBe(key)
      const made = await show(key, connectionId)
      expect([made.credentials.type, made.end_user?.id]).toEqual([row.stored, "u1"])
      // The modes without a proof are ones that the fake provider cannot check.
      if (row.proof === "") return
      const acted = await connectionAt(sluice, key, connectionId).act("whoami")
      expect([acted.status, acted.body]).toEqual([200, { auth: row.proof }])
    })
  }

  browserTest("a connection again, through a popup, and keeps its id", async (page) => {
    const key = keyOf("OAUTH2")
    const first = await call(page, await openSession(), { method: "auth", key })
    const before = await show(key, first.connectionId ?? "")
    const asked = { connection_id: first.connectionId, integration_id: key }
    const again = await call(page, await openSession(asked, "/connect/sessions/reconnect"), {
      method: "reconnect",
      key,
    })
    expect(again.connectionId).toBe(first.connectionId ?? "")
    const after = await show(key, first.connectionId ?? "")
    expect(after.credentials.access_token).not.toBe(before.credentials.access_token)
    expect(after.id).toBe(before.id)
  })
})

describe("the official front end is told why not", () => {
  const refusals = here.flatMap(([mode, { refused }]) => (refused ? [[mode, refused] as const] : []))
  for (const [mode, [typed, code]] of refusals) {
    browserTest(`${mode}: the provider refuses`, async (page) => {
      const credentials = credentialsOf(mode, { ...rows[mode], typed: typed as Record<string, unknown> })
      const options = { params: rows[mode].config, credentials }
      const result = await call(page, await openSession(), { method: "auth", key: keyOf(mode), options })
      expect(result.type).toBe(code)
    })
  }

  browserTest("the person says no", async (page) => {
    const options = { authorization_params: { error: "access_denied" } }
    const result = await call(page, await openSession(), { method: "auth", key: keyOf("OAUTH2"), options })
    expect(result).toEqual({ type: "callback_err", message: "access_denied: asked: access_denied" })
  })

  browserTest("the session is for another integration", async (page) => {
    const token = await openSession({ end_user: { id: "u1" }, allowed_integrations: [keyOf("NONE")] })
    const options = { credentials: rows.BASIC.typed }
    const result = await call(page, token, { method: "auth", key: keyOf("BASIC"), options })
    expect(result.type).toBe("integration_not_allowed")
  })
})
