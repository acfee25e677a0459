import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import type { Sluice } from "../helpers/sluice.ts"
import { findWrongRefusals, type Refusals } from "./refusals.ts"
import { apiKey, type Connection, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
let at: Connection
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
  at = await stage(sluice, {})
})
afterAll(() => world[Symbol.asyncDispose]())

const everything = async () => [
  (await sluice.call("GET", "/integrations")).body,
  (await sluice.call("GET", "/connections")).body,
]
async function expectRefusals(groups: Refusals[]): Promise<void> {
  const before = await everything()
  expect(await findWrongRefusals(sluice, groups)).toEqual([])
  expect(await everything()).toEqual(before)
}

const long = "x".repeat(256)

test("integrations: every bad request is refused with its code, and nothing is stored", async () => {
  const made = (more: object) => ({ provider: "fake", unique_key: "never", ...more })
  const appOf = (credentials: object) => ({ provider: "github", unique_key: "never", credentials })
  const oauth = { type: "OAUTH2", client_id: "id", client_secret: "secret" }
  await expectRefusals([
    {
      route: "POST /integrations",
      code: "invalid_json",
      rows: [
        ["malformed", '{"provider":'],
        ["a text", '"text"'],
        ["null", "null"],
        ["a number", "5"],
      ],
    },
    {
      route: "POST /integrations",
      code: "invalid_body",
      rows: [
        ["a list", [], "invalid_type"],
        ["no members", {}, "invalid_type"],
        ["nothing at all", undefined, "invalid_type"],
        ["an unknown member", made({ foo: 1 }), "unrecognized_keys"],
        ["a wrong type", made({ provider: 5 }), "invalid_type"],
        ["a key that is no key", made({ unique_key: "a/b" }), "invalid_format"],
        ["a key that is too long", made({ unique_key: long }), "too_big"],
        ["an empty key", made({ unique_key: "" }), "too_small"],
        ["an unknown provider", made({ provider: "no-such" }), "invalid_string"],
        ["an empty name", made({ display_name: "" }), "too_small"],
        ["a switch that is a text", made({ forward_webhooks: "yes" }), "invalid_type"],
        ["a secret for a provider that has none", made({ credentials: oauth })],
        ["no credentials where they are needed", { provider: "github", unique_key: "never" }],
        ["a client without id", appOf({ ...oauth, client_id: "" }), "too_small"],
        ["scopes of no kind", appOf({ ...oauth, scopes: "a b" }), "invalid_format"],
        ["values that the provider does not take", made({ integration_config: { a: "b" } })],
      ],
    },
    {
      route: "GET /integrations?page=1",
      code: "invalid_query_params",
      rows: [["a query", undefined, "unrecognized_keys"]],
    },
    { route: "GET /integrations/a%2Fb", code: "invalid_uri_params", rows: [["no key", undefined, "invalid_format"]] },
    { route: "GET /integrations/none", status: 404, code: "not_found", rows: [["not there"]] },
    { route: "PATCH /integrations/none", status: 404, code: "not_found", rows: [["not there", {}]] },
    { route: "DELETE /integrations/none", status: 404, code: "not_found", rows: [["not there"]] },
    {
      route: `PATCH /integrations/${at.key}`,
      code: "invalid_body",
      rows: [
        ["the provider", { provider: "github" }, "unrecognized_keys"],
        ["a key that is no key", { unique_key: "a/b" }, "invalid_format"],
        ["credentials of another kind", { credentials: oauth }],
      ],
    },
    { route: "PUT /integrations", status: 404, code: "not_found", rows: [["a method that is not there", {}]] },
  ])
})

test("importing connections: every bad request is refused with its code, and nothing is stored", async () => {
  const made = (more: object) => ({ provider_config_key: at.key, connection_id: "never", credentials: apiKey, ...more })
  const keyed = (credentials: unknown) => made({ credentials })
  const eleven = Object.fromEntries([..."abcdefghijk"].map((key) => [key, "v"]))
  await expectRefusals([
    {
      route: "POST /connections",
      status: 404,
      code: "not_found",
      rows: [["an unknown integration", made({ provider_config_key: "none" })]],
    },
    {
      route: "POST /connections",
      code: "invalid_body",
      rows: [
        ["an unknown member", made({ foo: 1 }), "unrecognized_keys"],
        ["no credentials", keyed(undefined), "invalid_type"],
        ["credentials of another kind", keyed({ type: "BASIC", username: "u", password: "p" })],
        ["credentials of no kind", keyed({ type: "SECRET" }), "invalid_union"],
        ["credentials with another member", keyed({ ...apiKey, more: 1 }), "unrecognized_keys"],
        ["an empty key", keyed({ type: "API_KEY", apiKey: "" }), "too_small"],
        ["a key that is too long", keyed({ type: "API_KEY", apiKey: "x".repeat(1025) }), "too_big"],
        ["metadata that is a list", made({ metadata: [1] }), "invalid_type"],
        ["an id that cannot be read back", made({ connection_id: "a<b>" }), "invalid_format"],
        ["an id that is too long", made({ connection_id: long }), "too_big"],
        ["an id that is a number", made({ connection_id: 5 }), "invalid_type"],
        ["eleven tags", made({ tags: eleven }), "custom"],
        ["tags that become one", made({ tags: { Plan: "a", plan: "b" } }), "custom"],
        ["a tag with a bad key", made({ tags: { "1a": "v" } }), "invalid_key"],
        ["an empty tag", made({ tags: { a: "" } }), "too_small"],
        ["a tag that is no address", made({ tags: { end_user_email: "kim" } }), "custom"],
        ["an end user without id", made({ end_user: { email: "kim@example.com" } }), "invalid_type"],
        ["an end user with another member", made({ end_user: { id: "1", age: 5 } }), "unrecognized_keys"],
        ["a webhook address of no kind", made({ webhook_url_override: "ftp://example.com" }), "invalid_format"],
      ],
    },
  ])
})

test("connections: every bad request is refused with its code, and nothing changes", async () => {
  const one = `/connections/${at.id}`
  const on = `provider_config_key=${at.key}`
  const metadata = { connection_id: at.id, provider_config_key: at.key, metadata: {} }
  const unknownQuery = (route: string, issue: string): Refusals => ({
    route,
    code: "invalid_query_params",
    rows: [[route, undefined, issue]],
  })
  await expectRefusals([
    unknownQuery("GET /connections?foo=1", "unrecognized_keys"),
    unknownQuery("GET /connections?page=-1", "too_small"),
    unknownQuery("GET /connections?limit=0", "too_small"),
    unknownQuery("GET /connections?limit=2001", "too_big"),
    unknownQuery("GET /connections?tags=pro", "invalid_type"),
    unknownQuery(`GET ${one}`, "invalid_type"),
    unknownQuery(`GET ${one}?${on}&force_refresh=maybe`, "custom"),
    unknownQuery(`GET ${one}?${on}&foo=1`, "unrecognized_keys"),
    unknownQuery(`DELETE ${one}`, "invalid_type"),
    { route: `DELETE ${one}?${on}`, code: "invalid_body", rows: [["a body", { foo: 1 }, "unrecognized_keys"]] },
    { route: `DELETE /connections/nobody?${on}`, code: "unknown_connection", rows: [["not there"]] },
    { route: `GET /connections/nobody?${on}`, status: 404, code: "not_found", rows: [["not there"]] },
    { route: `GET ${one}?provider_config_key=none`, code: "unknown_provider_config", rows: [["not there"]] },
    {
      route: `GET /connections/a%3Cb?${on}`,
      code: "invalid_uri_params",
      rows: [["no id", undefined, "invalid_format"]],
    },
    { route: `PATCH ${one}?${on}`, code: "invalid_body", rows: [["metadata", { metadata: {} }, "unrecognized_keys"]] },
    { route: `PATCH /connections/nobody?${on}`, status: 404, code: "not_found", rows: [["not there", {}]] },
    { route: `PATCH ${one}?provider_config_key=none`, code: "unknown_provider_config", rows: [["not there", {}]] },
    ...["POST", "PATCH"].map((method) => ({
      route: `${method} /connections/metadata`,
      code: "invalid_body",
      rows: [
        ["a text", { ...metadata, metadata: "x" }, "invalid_type"],
        ["a list", { ...metadata, metadata: [] }, "invalid_type"],
        ["no metadata", { ...metadata, metadata: undefined }, "invalid_type"],
        ["an unknown member", { ...metadata, foo: 1 }, "unrecognized_keys"],
        ["an id that is a number", { ...metadata, connection_id: 5 }, "invalid_union"],
        ["one bad id in a list", { ...metadata, connection_id: [at.id, 5] }, "invalid_union"],
      ] as Refusals["rows"],
    })),
  ])
})
