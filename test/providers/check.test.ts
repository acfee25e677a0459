import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { checkProvider } from "../../src/providers/check.ts"
import { compileCatalogue } from "../../src/providers/compile.ts"
import type { Provider } from "../../src/providers/model.ts"

const field = { type: "string", title: "T", description: "D" }
const basic: Provider = { display_name: "X", docs: "https://x.test", auth_mode: "BASIC" }
const oauth: Provider = {
  ...basic,
  auth_mode: "OAUTH2",
  authorization_url: "https://${connectionConfig.sub}.x.test/a",
  token_url: "https://x.test/token?key=1",
  connection_config: { sub: field },
}
const key: Provider = {
  ...basic,
  auth_mode: "API_KEY",
  proxy: { base_url: "https://x.test/${apiKey}" },
  credentials: { apiKey: { ...field, secret: true } },
}

const rows: [name: string, provider: Provider, findings: string[]][] = [
  ["a good OAUTH2 entry", oauth, []],
  ["a good API_KEY entry", key, []],
  [
    "OAUTH2 without URLs",
    { ...basic, auth_mode: "OAUTH2" },
    ["authorization_url: is required for OAUTH2", "token_url: is required for OAUTH2"],
  ],
  [
    "outbound OAUTH2 needs no authorize URL",
    {
      ...basic,
      auth_mode: "OAUTH2",
      installation: "outbound",
      token_url: "https://x.test",
    },
    [],
  ],
  [
    "dynamic registration needs its URL",
    {
      ...oauth,
      auth_mode: "MCP_OAUTH2",
      client_registration: "dynamic",
    },
    ["registration_url: is required for MCP_OAUTH2"],
  ],
  [
    "API_KEY without apiKey",
    { ...key, credentials: { other: field } },
    ["credentials.apiKey: is required for API_KEY"],
  ],
  [
    "an API key that goes nowhere",
    { ...key, proxy: { base_url: "https://x.test" } },
    ["proxy: sends the API key nowhere: use it in headers, query, body or base_url"],
  ],
  [
    "AWS_SIGV4 without role_arn",
    { ...basic, auth_mode: "AWS_SIGV4" },
    ["credentials.role_arn: is required for AWS_SIGV4"],
  ],
  [
    "an undeclared connection config key",
    { ...oauth, connection_config: undefined },
    ["authorization_url: ${connectionConfig.sub} is not in connection_config"],
  ],
  [
    "one that the token response brings",
    {
      ...oauth,
      connection_config: undefined,
      token_response_metadata: ["sub"],
    },
    [],
  ],
  [
    "one inside a call in a header",
    {
      ...basic,
      proxy: { headers: { "x-a": "${base64(${connectionConfig.a})}" } },
    },
    ["proxy.headers.x-a: ${connectionConfig.a} is not in connection_config"],
  ],
  [
    "a connection config key without a use",
    { ...basic, connection_config: { a: field } },
    ["connection_config.a: is used nowhere"],
  ],
  [
    "… is fine in an alias, when automated, and when a script may read it",
    {
      ...basic,
      alias: "y",
      connection_config: { a: field },
    },
    [],
  ],
  [
    "named for callers",
    { ...basic, proxy: { connection_config: ["a"] }, connection_config: { a: field, b: field } },
    ["connection_config.b: is used nowhere"],
  ],
  ["automated", { ...basic, connection_config: { a: { ...field, automated: true } } }, []],
  ["script", { ...basic, post_connection_script: "s", connection_config: { a: field } }, []],
  [
    "two ways of verification",
    {
      ...basic,
      proxy: { verification: { endpoints: ["/me"] } },
      credentials_verification_script: "s",
    },
    ["proxy.verification: excludes credentials_verification_script"],
  ],
  [
    "a brace without a dollar",
    { ...basic, proxy: { headers: { "x-a": "a {b}" } } },
    ["proxy.headers.x-a: has a { without a $ before it"],
  ],
  [
    "a placeholder that does not close",
    { ...basic, token_params: { a: { b: "${base64(${c}" } } },
    ["token_params.a.b: has a placeholder that does not close"],
  ],
  [
    "typed credentials in a mode without",
    { ...basic, auth_mode: "NONE", credentials: { a: field } },
    ["credentials: NONE asks for no typed credentials"],
  ],
  [
    "a template that makes no URL",
    { ...basic, proxy: { base_url: "x.test/${username}" } },
    ['proxy.base_url: "x.test/${username}" makes no URL (with example values: x.test/example)'],
  ],
  [
    "both sides of a fallback",
    {
      ...basic,
      connection_config: { a: field },
      proxy: { base_url: "https://${connectionConfig.a}.test || http:// x" },
    },
    ['proxy.base_url: "http:// x" makes no URL (with example values: http:// x)'],
  ],
  [
    "a whole URL in one placeholder",
    {
      ...basic,
      connection_config: { baseUrl: field },
      proxy: { base_url: "${connectionConfig.baseUrl}/v1" },
    },
    [],
  ],
  [
    "a map of token URLs, and a step's URL",
    {
      ...basic,
      token_url: { OAUTH2: "https://x.test", APP: "nope" },
      additional_steps: [{ token_url: "${step1.url}/t" }, { token_url: "/t" }],
    },
    [
      'token_url.APP: "nope" makes no URL (with example values: nope)',
      'additional_steps.1.token_url: "/t" makes no URL (with example values: /t)',
    ],
  ],
  [
    "a doc_section without a page",
    { ...basic, credentials: { username: { ...field, doc_section: "#a" } } },
    ["credentials.username: has a doc_section, so the entry needs docs_connect"],
  ],
  [
    "fields that a person cannot understand",
    {
      ...basic,
      credentials: { username: { type: "string" }, password: { hidden: true } },
    },
    [
      "credentials.username: needs a title",
      "credentials.username: needs a description",
      "credentials.password: is hidden and needs a default_value",
    ],
  ],
  [
    "an example that its pattern refuses",
    {
      ...basic,
      credentials: { username: { ...field, pattern: "^[a-z]+$", example: "A" } },
    },
    ["credentials.username: has an example that its pattern refuses"],
  ],
  [
    "names that the format does not allow",
    {
      ...basic,
      proxy: { headers: { "X-A": "b" } },
      credentials: { "user-name": field },
    },
    ["proxy.headers.X-A: does not match ^[a-z0-9_.-]+$", "credentials.user-name: does not match ^[a-zA-Z_]+$"],
  ],
  [
    "an example that is none of its format or enum",
    {
      ...basic,
      credentials: {
        username: { ...field, format: "hostname", example: "https://x.test" },
        password: { ...field, format: "email", example: "a@b.test", enum: ["c@d.test"] },
      },
    },
    [
      "credentials.username: has an example that is no hostname",
      "credentials.password: has an example that is not in its enum",
    ],
  ],
  [
    "a misspelt name, and a credential that nobody types in",
    {
      ...basic,
      proxy: { headers: { "x-a": "${usrname}", "x-b": "${credentials.pasword}", "x-c": "${credentials.username}" } },
    },
    [
      "proxy.headers.x-a: ${usrname} is not a name that a template can use here",
      "proxy.headers.x-b: ${credentials.pasword} is not a name that a template can use here",
    ],
  ],
  ["a link that is none", { ...basic, docs: "see the wiki" }, ["docs: is not a URL"]],
]

for (const [name, provider, findings] of rows) {
  test(name, () => expect(checkProvider("x", provider)).toEqual(findings))
}

test("a pattern that is no regular expression", () => {
  const [finding] = checkProvider("x", { ...basic, credentials: { username: { ...field, pattern: "[" } } })
  expect(finding).toStartWith("credentials.username.pattern: is no regular expression: ")
})

test("a name that is no id", () => {
  expect(checkProvider("No_Id", basic)).toEqual(['"No_Id" is not a provider id'])
})

test("the build refuses a broken rule with file and line", async () => {
  const root = await mkdtemp(join(tmpdir(), "compile-"))
  const text = "display_name: X\ndocs: https://x.test\nauth_mode: BASIC\nproxy:\n  base_url: x.test\n  bogus: 1\n"
  await Bun.write(join(root, "bad.yaml"), text)
  const error = await compileCatalogue(root).then(String, (thrown: Error) => thrown.message)
  await rm(root, { recursive: true })
  expect(error).toContain(`${root}/bad.yaml:6: provider "bad", field proxy.bogus: is not a known field`)
  expect(error).toContain(`${root}/bad.yaml:5: provider "bad", field proxy.base_url: "x.test" makes no URL`)
})
