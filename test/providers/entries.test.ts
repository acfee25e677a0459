import { describe, expect, test } from "bun:test"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import type { Credentials } from "../../src/auth/credentials.ts"
import { loadCatalogue } from "../../src/providers/catalogue.ts"
import { exchangeRecipes } from "../../src/providers/exchange-recipes.ts"
import { revocationOf, verificationOf } from "../../src/providers/exchange.ts"
import { lookupRecipes } from "../../src/providers/lookup-recipes.ts"
import { lookupsOf } from "../../src/providers/lookup.ts"
import type { Provider } from "../../src/providers/model.ts"
import { revocationRecipes } from "../../src/providers/revocation-recipes.ts"
import { connectionScope, renderTemplate, renderTree } from "../../src/providers/template.ts"
import { verificationRecipes } from "../../src/providers/verification-recipes.ts"
import { build } from "../proxy/make.ts"

const ours = join(import.meta.dir, "../../providers")
const catalogue = await loadCatalogue({ embedded: undefined, folder: ours })
const entries = catalogue.list()

const categories = (
  "accounting analytics ats banking cms communication crm design dev-tools e-commerce erp gaming hr invoicing " +
  "knowledge-base legal marketing mcp other payment popular productivity search social sports storage support surveys " +
  "ticketing video"
).split(" ")

test("every file names the shape that editors check it by", async () => {
  const files = (await readdir(ours)).filter((file) => file.endsWith(".yaml"))
  expect(files.length).toBe(entries.length)
  for (const file of files) {
    const [first] = (await Bun.file(join(ours, file)).text()).split("\n")
    expect([file, first]).toEqual([file, "# yaml-language-server: $schema=./schema.json"])
  }
})

test("every entry has categories that the catalogue knows, and a display name of its own", () => {
  for (const { name, provider } of entries) {
    expect([name, provider.categories?.filter((category) => !categories.includes(category))]).toEqual([name, []])
    expect([name, provider.categories?.length]).not.toEqual([name, 0])
  }
  const names = entries.map(({ provider }) => provider.display_name)
  expect(names.toSorted()).toEqual([...new Set(names)].toSorted())
})

test("the recipes of our entries ask at sites that the entries know", () => {
  for (const { name, provider } of entries) {
    const lookup = lookupRecipes[provider.post_connection_script ?? ""]
    if (lookup && !provider.post_connection) expect([name, lookupsOf(provider)]).toEqual([name, lookup])
    const revocation = revocationRecipes[provider.pre_connection_deletion_script ?? ""]
    if (revocation && !provider.revocation) expect([name, revocationOf(provider)]).toEqual([name, revocation])
    const verification = verificationRecipes[provider.credentials_verification_script ?? ""]
    if (verification && !provider.proxy?.verification)
      expect([name, verificationOf(provider)]).toEqual([name, verification])
    if (exchangeRecipes[name]) expect([name, provider]).toEqual([name, { ...provider, ...exchangeRecipes[name] }])
  }
})

/** What a connection of the provider holds: each member that an entry may ask for. */
function heldBy(provider: Provider): { credentials: Credentials; config: Record<string, unknown> } {
  const raw = { stripe_user_id: "acct_1" }
  const oauth2: Credentials = { type: "OAUTH2", access_token: "the-access", refresh_token: "the-refresh", raw }
  const byMode: Partial<Record<Provider["auth_mode"], Credentials>> = {
    OAUTH1: { type: "OAUTH1", oauth_token: "the-token", oauth_token_secret: "the-secret", raw: {} },
    TWO_STEP: { type: "TWO_STEP", token: "the-token", raw: {} },
  }
  const fields = Object.entries(provider.connection_config ?? {})
  const config = fields.map(([name, field]) => [name, field.default_value ?? field.enum?.[0] ?? field.example ?? "x"])
  return {
    credentials: byMode[provider.auth_mode] ?? oauth2,
    config: { ...Object.fromEntries(config), api_domain: "https://api.test", instance_url: "https://instance.test" },
  }
}

describe("revocations ask with all that they name", () => {
  for (const { name, provider } of entries) {
    const { revocation } = provider
    if (!revocation) continue
    test(name, () => {
      const { credentials, config } = heldBy(provider)
      const client = { clientId: "the-client", clientSecret: "the-client-secret" }
      const scope = connectionScope({ connectionConfig: config, credentials: { ...credentials }, client })
      const { endpoint, method, headers, data, base_url_override } = revocation
      const rendered = renderTree({ headers: headers ?? {}, data: data ?? {} }, scope)
      expect(Object.keys((rendered as { data: object }).data)).toEqual(Object.keys(data ?? {}))
      expect(Object.keys((rendered as { headers: object }).headers)).toEqual(Object.keys(headers ?? {}))
      const target = renderTemplate(endpoint, scope, { encode: encodeURIComponent })
      expect(target.complete).toBe(true)
      const request = build({
        provider,
        credentials,
        config,
        integration: client,
        call: { endpoint: target.text, method: method ?? "POST", baseUrlOverride: base_url_override },
      })
      expect(request.url).toMatch(/^https:\/\/[^${}]+$/)
    })
  }
})
