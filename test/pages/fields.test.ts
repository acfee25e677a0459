import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { initialValues, planForm, visibleFields } from "../../src/pages/connect/fields.ts"
import type { Integration, Provider, Session } from "../../src/pages/connect/model.ts"
import { opensWindow, planAsk } from "../../src/pages/connect/submit.ts"
import { problemOf, tidy } from "../../src/pages/connect/typed.ts"
import { loadCatalogue } from "../../src/providers/catalogue.ts"
import { authModes } from "../../src/providers/model.ts"

type Given = { provider: Partial<Provider>; integration?: Partial<Integration>; session?: Partial<Session> }
const settings = {
  showWatermark: true,
  defaultTheme: "system",
  theme: { light: { primary: "" }, dark: { primary: "" } },
}

function planOf({ provider, integration, session }: Given) {
  return planForm({
    provider: { display_name: "Acme", auth_mode: "API_KEY", ...provider },
    integration: { unique_key: "one", provider: "acme", ...integration },
    session: { connectUISettings: settings as Session["connectUISettings"], ...session },
  })
}
const idsOf = (given: Given) => planOf(given).fields.map(({ id }) => id)

/** What is sent when these are typed, by the id of the field. */
function askOf(given: Given, values: Record<string, string> = {}, externalId?: string) {
  const provider = { display_name: "Acme", auth_mode: "API_KEY", ...given.provider }
  const plan = planOf(given)
  return planAsk({
    provider,
    integrationKey: "my key/1",
    plan,
    values: { ...initialValues(plan), ...values },
    externalId,
  })
}

describe("fields of a form", () => {
  test.each<[string, Given["provider"], string[]]>([
    ["API_KEY", {}, ["credentials-apiKey"]],
    ["BASIC", {}, ["credentials-username", "credentials-password"]],
    ["OAUTH2_CC", {}, ["credentials-client_id", "credentials-client_secret"]],
    [
      "OAUTH2_CC",
      { credentials: { client_private_key: {} } },
      ["credentials-client_private_key", "credentials-client_id"],
    ],
    [
      "OAUTH2_CC",
      { credentials: { client_certificate: {}, client_private_key: {} } },
      [
        "credentials-client_certificate",
        "credentials-client_private_key",
        "credentials-client_id",
        "credentials-client_secret",
      ],
    ],
    [
      "TBA",
      { connection_config: { accountId: {} } },
      [
        "config-accountId",
        "credentials-token_id",
        "credentials-token_secret",
        "credentials-oauth_client_id_override",
        "credentials-oauth_client_secret_override",
      ],
    ],
    ["BILL", {}, ["username", "password", "organization_id", "dev_key"].map((name) => `credentials-${name}`)],
    ["SIGNATURE", {}, ["credentials-username", "credentials-password"]],
    ["AWS_SIGV4", { credentials: { role_arn: {} } }, ["credentials-role_arn", "credentials-region"]],
    ["JWT", { credentials: { privateKey: {}, keyId: {} } }, ["credentials-privateKey", "credentials-keyId"]],
    [
      "TWO_STEP",
      { credentials: { company: {} }, assertion_option: { private_key: {} } },
      ["credentials-company", "assertion-private_key"],
    ],
    ["OAUTH2", { connection_config: { subdomain: {} } }, ["config-subdomain"]],
    ["NONE", {}, []],
    ["APP", {}, []],
  ])("%s %o asks %o", (auth_mode, provider, ids) => {
    expect(idsOf({ provider: { auth_mode, ...provider } })).toEqual(ids)
  })

  test("what the daemon fills, what the owner has decided and what the integration brings is not asked", () => {
    const provider = {
      connection_config: { region: {}, subdomain: {}, tenant: { automated: true } },
      credentials: { apiKey: {}, shared: {}, brought: {} },
      integration_config: { shared: {} },
    }
    const session = { integrations_config_defaults: { one: { connection_config: { region: "eu" } } } }
    const integration = { preconfigured_credentials: ["brought"] }
    expect(idsOf({ provider, session, integration })).toEqual(["config-subdomain", "credentials-apiKey"])
    expect(idsOf({ provider, integration: { unique_key: "other" }, session })).toContain("config-region")
  })

  test("an order comes first, then the account, then what opens it", () => {
    const provider = {
      auth_mode: "BASIC",
      credentials: { password: {}, username: { order: 1 } },
      connection_config: { a: {}, b: { order: 2 } },
    }
    expect(idsOf({ provider })).toEqual(["credentials-username", "config-b", "config-a", "credentials-password"])
  })

  test("the integration's own words win over the catalogue's, and those over ours", () => {
    const provider = { auth_mode: "BASIC", credentials: { username: { title: "Email" } } }
    const titles = (given: Given) => planOf(given).fields.map(({ title, titleKey }) => title ?? titleKey)
    expect(titles({ provider })).toEqual(["Email", "password"])
    const integration = { credentials_label: { username: "Login", password: "Token" } }
    expect(titles({ provider, integration })).toEqual(["Login", "Token"])
    expect(titles({ provider: { auth_mode: "JWT", credentials: { issuer: {} } } })).toEqual(["issuer"])
  })

  test("a field may depend on another one, shown or fixed", () => {
    const provider = {
      credentials: {
        kind: { default_value: "key" },
        apiKey: { visible_when: { field: "kind", equals: "key" } },
        certificate: { visible_when: { field: "kind", equals: "cert" } },
        fixed: { hidden: true, default_value: "yes" },
        onFixed: { visible_when: { field: "fixed", equals: "yes" } },
      },
    }
    const plan = planOf({ provider })
    const names = (kind: string) => visibleFields(plan, { "credentials-kind": kind }).map(({ name }) => name)
    expect(names("key")).toEqual(["kind", "apiKey", "onFixed"])
    expect(names("cert")).toEqual(["kind", "certificate", "onFixed"])
    const typed = { "credentials-kind": "cert", "credentials-apiKey": "k", "credentials-certificate": "c" }
    expect(askOf({ provider }, typed)).toMatchObject({ body: { kind: "cert", certificate: "c", fixed: "yes" } })
    expect(askOf({ provider }, typed)).not.toHaveProperty("body.apiKey")
  })
})

test("every field of the catalogue has a name, a pattern that can be read, and takes its own example", async () => {
  const wrong: string[] = []
  const catalogue = await loadCatalogue({ embedded: undefined, folder: join(import.meta.dir, "../../providers") })
  for (const { name, provider } of catalogue.list()) {
    for (const field of planOf({ provider }).fields) {
      expect(() => new RegExp(field.pattern ?? "")).not.toThrow()
      if (!field.titleKey && (field.title ?? field.name) === field.name) wrong.push(`${name} ${field.id}: no title`)
      if (field.example === undefined || field.isLong) continue
      const problem = problemOf(field, tidy(field, String(field.example)))
      if (problem) wrong.push(`${name} ${field.id}: ${problem}`)
    }
  }
  expect(wrong).toEqual([])
})

describe("what is sent", () => {
  test("every auth mode has a way", () => {
    const windows = ["OAUTH2", "OAUTH1", "APP", "CUSTOM", "MCP_OAUTH2", "MCP_OAUTH2_GENERIC", "INSTALL_PLUGIN"]
    const found = authModes.filter((auth_mode) => opensWindow({ display_name: "", auth_mode }))
    expect(found.toSorted()).toEqual(windows.toSorted() as typeof found)
    for (const auth_mode of authModes) expect(askOf({ provider: { auth_mode } }).path).toEndWith("/my%20key%2F1")
  })

  test("typed values are trimmed, parts of pasted addresses cut, empty optional ones left out", () => {
    const provider = {
      auth_mode: "API_KEY",
      credentials: { apiKey: {} },
      connection_config: {
        subdomain: { prefix: "https://", suffix: ".acme.com" },
        extension: { optional: true },
        version: { hidden: true, default_value: "v2" },
      },
    }
    const typed = {
      "credentials-apiKey": "  k&=ü ",
      "config-subdomain": "https://me.acme.com/login",
      "config-extension": " ",
    }
    expect(askOf({ provider }, typed)).toEqual({
      how: "post",
      path: "api-auth/api-key/my%20key%2F1",
      query: [
        ["params[version]", "v2"],
        ["params[subdomain]", "me"],
      ],
      body: { apiKey: "k&=ü" },
    })
  })

  test("a hidden password that is empty by nature is sent, as is a user name that was left empty", () => {
    const provider = {
      auth_mode: "BASIC",
      credentials: { username: {}, password: { hidden: true, default_value: "" } },
    }
    expect(askOf({ provider }, { "credentials-username": "key" })).toMatchObject({
      body: { username: "key", password: "" },
    })
  })

  test("bodies say what they are where the route asks for it", () => {
    const two = { auth_mode: "TWO_STEP", credentials: { a: {} }, assertion_option: { key: {} } }
    const body = { a: "1", type: "TWO_STEP", assertionOption: { key: "2" } }
    expect(askOf({ provider: two }, { "credentials-a": "1", "assertion-key": "2" })).toMatchObject({ body })
    const signature = askOf(
      { provider: { auth_mode: "SIGNATURE" } },
      { "credentials-username": "u", "credentials-password": "p" },
    )
    expect(signature).toMatchObject({ body: { type: "SIGNATURE", username: "u", password: "p" } })
  })

  test("an external id goes along, a connection from the provider's side and one without credentials have no body", () => {
    const role = { "credentials-role_arn": "arn:aws:iam::123456789012:role/x" }
    expect(askOf({ provider: { auth_mode: "AWS_SIGV4" } }, role, "id-1")).toEqual({
      how: "post",
      path: "auth/aws-sigv4/my%20key%2F1",
      query: [["params[external_id]", "id-1"]],
      body: { role_arn: "arn:aws:iam::123456789012:role/x" },
    })
    const outbound = askOf({ provider: { auth_mode: "OAUTH2", installation: "outbound" } })
    expect(outbound).toEqual({ how: "post", path: "auth/oauth-outbound/my%20key%2F1", query: [] })
    expect(askOf({ provider: { auth_mode: "NONE" } })).toEqual({
      how: "post",
      path: "auth/unauthenticated/my%20key%2F1",
      query: [],
    })
  })
})
