import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { AppError } from "../../src/kit/errors.ts"
import { build, expectFault } from "./make.ts"

type Row = [name: string, parts: Parameters<typeof build>[0], url: string]

const template = "https://${connectionConfig.subdomain}.example.test/api"
const either = "https://${connectionConfig.region}.api.test || https://api.test"
const config = { subdomain: "acme", cloudId: "c-9" }

const rows: Row[] = [
  ["leading slash", { call: { endpoint: "/users" } }, "https://api.test/v1/users"],
  ["no leading slash", { call: { endpoint: "users" } }, "https://api.test/v1/users"],
  ["many leading slashes", { call: { endpoint: "///users" } }, "https://api.test/v1/users"],
  ["slash at the end of the base", { proxy: { base_url: "https://api.test/v1/" } }, "https://api.test/v1/things"],
  ["slash at the end of the endpoint stays", { call: { endpoint: "/users/" } }, "https://api.test/v1/users/"],
  ["full URL", { call: { endpoint: "https://api.test/v1/users?a=1" } }, "https://api.test/v1/users?a=1"],
  ["full URL after a slash", { call: { endpoint: "/https://api.test/v1/users" } }, "https://api.test/v1/users"],
  ["full URL, host in capitals", { call: { endpoint: "HTTPS://API.test/v1/Users" } }, "https://api.test/v1/Users"],
  ["only the base", { call: { endpoint: "https://api.test/v1" } }, "https://api.test/v1"],
  ["the base with a query", { call: { endpoint: "https://api.test/v1?a=1" } }, "https://api.test/v1?a=1"],
  ["the base with a slash", { call: { endpoint: "https://api.test/v1/" } }, "https://api.test/v1"],
  ["same prefix, other word", { call: { endpoint: "v1x/users" } }, "https://api.test/v1/v1x/users"],
  ["only a query", { call: { endpoint: "?a=1" } }, "https://api.test/v1/?a=1"],
  ["fragment is not sent", { call: { endpoint: "/users#top" } }, "https://api.test/v1/users"],
  ["empty endpoint with override", { call: { endpoint: "", baseUrlOverride: "https://o.test/x" } }, "https://o.test/x"],
  ["override", { call: { baseUrlOverride: "https://o.test/x/" } }, "https://o.test/x/things"],
  [
    "override with endpoint in it",
    { call: { endpoint: "https://o.test/a", baseUrlOverride: "https://o.test" } },
    "https://o.test/a",
  ],
  ["template base", { proxy: { base_url: template }, config }, "https://acme.example.test/api/things"],
  [
    "a base that the connection gives whole may hold a path",
    {
      proxy: { base_url: "https://${connectionConfig.organizationUrl}" },
      config: { organizationUrl: "dev.test/acme" },
    },
    "https://dev.test/acme/things",
  ],
  [
    "full URL over a template base",
    { proxy: { base_url: template }, config, call: { endpoint: "https://acme.example.test/api/a" } },
    "https://acme.example.test/api/a",
  ],
  [
    "endpoint repeats the template text",
    { proxy: { base_url: template }, config, call: { endpoint: `${template}/a` } },
    "https://acme.example.test/api/a",
  ],
  ["A || B with A", { proxy: { base_url: either }, config: { region: "eu" } }, "https://eu.api.test/things"],
  ["A || B without A", { proxy: { base_url: either } }, "https://api.test/things"],
  [
    "old key in the config",
    { proxy: { base_url: template }, config: { "connectionConfig.subdomain": "old" } },
    "https://old.example.test/api/things",
  ],
  [
    "credential in the base",
    { proxy: { base_url: "https://api.test/bot${apiKey}" } },
    "https://api.test/botkey-12345/things",
  ],
  [
    "whole base from the config",
    { proxy: { base_url: "${connectionConfig.url}" }, config: { url: "https://on.prem.test:8443/x" } },
    "https://on.prem.test:8443/x/things",
  ],
  [
    "placeholder in the endpoint",
    { config, call: { endpoint: "/jira/${connectionConfig.cloudId}/x" } },
    "https://api.test/v1/jira/c-9/x",
  ],
  [
    "placeholder, row spelling",
    { config, call: { endpoint: "/${connection_config.cloudId}" } },
    "https://api.test/v1/c-9",
  ],
  [
    "metadata in the endpoint",
    { metadata: { list: { id: 7 } }, call: { endpoint: "/l/${metadata.list.id}" } },
    "https://api.test/v1/l/7",
  ],
  [
    "|| in an endpoint is text",
    { config, call: { endpoint: "/s?q=a||${connectionConfig.cloudId}" } },
    "https://api.test/v1/s?q=a||c-9",
  ],
  ["unknown placeholder stays", { call: { endpoint: "/${nope}" } }, "https://api.test/v1/$%7Bnope%7D"],
  ["object params", { call: { params: { a: 1, b: "x y", c: true } } }, "https://api.test/v1/things?a=1&b=x+y&c=true"],
  [
    "params replace the endpoint's",
    { call: { endpoint: "/t?a=1&b=2&a=3", params: { a: 9 } } },
    "https://api.test/v1/t?a=9&b=2",
  ],
  [
    "arrays join, undefined is skipped, null is a word",
    { call: { params: { a: [1, 2], b: undefined, c: null } } },
    "https://api.test/v1/things?a=1%2C2&c=null",
  ],
  ["text params", { call: { params: "a=1&a=2&b=%20" } }, "https://api.test/v1/things?a=1&a=2&b=%20"],
  ["text params with a question mark", { call: { params: "?a=1" } }, "https://api.test/v1/things?a=1"],
  ["empty text params beside a query", { call: { endpoint: "/t?a=1", params: "" } }, "https://api.test/v1/t?a=1"],
  ["raw query untouched", { call: { query: "f[]=%2B&g=a+b&f[]=2" } }, "https://api.test/v1/things?f[]=%2B&g=a+b&f[]=2"],
  ["raw query after the endpoint's", { call: { endpoint: "/t?a=1", query: "b=2" } }, "https://api.test/v1/t?a=1&b=2"],
  [
    "provider query wins and leaves the rest alone",
    { proxy: { query: { key: "${apiKey}", v: 2 } }, call: { query: "f[]=%2B&key=mine" } },
    "https://api.test/v1/things?f[]=%2B&key=key-12345&v=2",
  ],
  [
    "unresolved provider query is dropped",
    { proxy: { query: { org: "${connectionConfig.org}", v: "1" } } },
    "https://api.test/v1/things?v=1",
  ],
  [
    "integration with its own base",
    { provider: { integration_config: {} }, integration: { custom: { baseUrl: "https://own.test/a" } } },
    "https://own.test/a/things",
  ],
  [
    "custom base of a provider without settings is ignored",
    { integration: { custom: { baseUrl: "https://own.test" } } },
    "https://api.test/v1/things",
  ],
  [
    "integration with its own key in the query",
    { provider: { integration_config: {} }, integration: { custom: { keyPlacement: "query", keyName: "k" } } },
    "https://api.test/v1/things?k=key-12345",
  ],
]

describe("buildRequest: url", () => {
  test.each(rows)("%s", (_name, parts, url) => {
    expect(build(parts).url).toBe(url)
  })

  test("AWS takes its base from the connection, and its query in the signed spelling", () => {
    const aws = { access_key_id: "AKIA1234", secret_access_key: "s3cr3t", region: "eu-west-1", service: "sqs" }
    const request = build({
      provider: { auth_mode: "AWS_SIGV4", proxy: {} },
      config: { base_url: "https://sqs.eu-west-1.amazonaws.com" },
      credentials: { type: "AWS_SIGV4", ...aws },
      call: { endpoint: "/q", params: { b: "x y", a: "*" } },
    })
    expect(request.url).toBe("https://sqs.eu-west-1.amazonaws.com/q?a=%2A&b=x%20y")
  })
})

const refused: [name: string, parts: Parameters<typeof build>[0], code: string][] = [
  ["nothing to ask for", { call: { endpoint: "" } }, "missing_api_url"],
  ["no base URL", { provider: { proxy: {} } }, "unsupported_provider"],
  ["text params beside a query", { call: { endpoint: "/t?a=1", params: "b=2" } }, "invalid_query_params"],
  ["text params beside a raw query", { call: { query: "a=1", params: "b=2" } }, "invalid_query_params"],
  ["another host", { call: { endpoint: "https://evil.test/x" } }, "invalid_endpoint"],
  ["another host after slashes", { call: { endpoint: "//https://evil.test/x" } }, "invalid_endpoint"],
  ["another scheme", { call: { endpoint: "ftp://api.test/v1" } }, "invalid_endpoint"],
  ["backslashes after the scheme", { call: { endpoint: "https:\\\\evil.test" } }, "invalid_endpoint"],
  [
    "base as a prefix of a longer host",
    { proxy: { base_url: "https://api.test" }, call: { endpoint: "https://api.test.evil.test/x" } },
    "invalid_endpoint",
  ],
  [
    "base as user name",
    { proxy: { base_url: "https://api.test" }, call: { endpoint: "https://api.test@evil.test/x" } },
    "invalid_endpoint",
  ],
  [
    "base as user name and password",
    { proxy: { base_url: "https://api.test" }, call: { endpoint: "https://api.test:443@evil.test/x" } },
    "invalid_endpoint",
  ],
  ["sibling path of the base", { call: { endpoint: "https://api.test/v2/x" } }, "invalid_endpoint"],
  [
    "value that is a URL elsewhere",
    { metadata: { next: "https://evil.test/" }, call: { endpoint: "${metadata.next}" } },
    "invalid_endpoint",
  ],
  ["missing value in the base", { proxy: { base_url: template } }, "invalid_base_url"],
  ["slash in a host value", { proxy: { base_url: template }, config: { subdomain: "evil.test/" } }, "invalid_base_url"],
  [
    "at sign in a host value",
    { proxy: { base_url: "https://api.${connectionConfig.d}" }, config: { d: "x@evil.test" } },
    "invalid_base_url",
  ],
  [
    "path in a host value before a path",
    { proxy: { base_url: "https://${connectionConfig.host}/api" }, config: { host: "evil.test/x" } },
    "invalid_base_url",
  ],
  ["hash in a host value", { proxy: { base_url: template }, config: { subdomain: "evil.test#" } }, "invalid_base_url"],
  [
    "backslash in a host value",
    { proxy: { base_url: template }, config: { subdomain: "evil.test\\" } },
    "invalid_base_url",
  ],
  ["override without a scheme", { call: { baseUrlOverride: "evil.test" } }, "invalid_base_url"],
  ["override that is a file", { call: { baseUrlOverride: "file:///etc" } }, "invalid_base_url"],
]

describe("buildRequest: refused", () => {
  test.each(refused)("%s", (_name, parts, code) => {
    expect(expectFault(() => build(parts), code).status).toBe(400)
  })

  test("a missing value is named, and no value is quoted", () => {
    const error = expectFault(
      () => build({ proxy: { base_url: "https://${connectionConfig.a}.test/${apiKey}" } }),
      "invalid_base_url",
    )
    expect(error.message).toContain("connectionConfig.a")
    expect(error.message).not.toContain("key-12345")
  })
})

const harmless: [endpoint: string, path: string][] = [
  ["//evil.test/x", "/v1/evil.test/x"],
  ["\\\\evil.test/x", "/v1///evil.test/x"],
  ["/\\evil.test/x", "/v1//evil.test/x"],
  ["@evil.test/x", "/v1/@evil.test/x"],
  [":80@evil.test/x", "/v1/:80@evil.test/x"],
  [".evil.test/x", "/v1/.evil.test/x"],
  ["../../../x", "/x"],
  ["%2e%2e/%2e%2e/x", "/x"],
  ["..\\..\\x", "/x"],
  ["x\r\nHost: evil.test", "/v1/xHost:%20evil.test"],
  ["\thttps://evil.test/x", "/v1/https://evil.test/x"],
  ["x/https://evil.test", "/v1/x/https://evil.test"],
]

describe("buildRequest: no endpoint leaves the base's origin", () => {
  test.each(harmless)("%j", (endpoint, path) => {
    const url = new URL(build({ call: { endpoint } }).url)
    expect([url.origin, url.username, url.pathname]).toEqual(["https://api.test", "", path])
  })

  test("line breaks in queries do not survive", () => {
    const raw = build({ call: { query: "a=1\r\nX-Evil: 1" } }).url
    const text = build({ call: { params: "a=1\r\nX-Evil: 1" } }).url
    const object = build({ call: { params: { "a\r\n": "1\r\n2" } } }).url
    for (const url of [raw, text, object]) expect(url).not.toMatch(/[\r\n ]/)
  })

  test("any text as endpoint, params and metadata", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "https://",
        "http:",
        "//",
        "\\",
        "@",
        "#",
        "?",
        "..",
        "evil.test",
        "api.test",
        "${metadata.x}",
        "\t",
        "\r\n",
        ":443",
        "https://api.test",
        "/v1",
      ),
      fc.string({ maxLength: 4 }),
    )
    const text = fc.array(piece, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""))
    fc.assert(
      fc.property(text, text, text, (endpoint, params, x) => {
        try {
          const { url } = build({
            proxy: { base_url: "https://api.test" },
            call: { endpoint, params },
            metadata: { x },
          })
          expect(new URL(url).origin).toBe("https://api.test")
          expect(new URL(url).username + new URL(url).password).toBe("")
          expect(url).not.toMatch(/[\r\n\t]/)
        } catch (error) {
          if (!(error instanceof AppError)) throw error
          expect(["invalid_endpoint", "invalid_query_params", "missing_api_url"]).toContain(error.code)
        }
      }),
      { numRuns: 1500 },
    )
  })

  test("an endpoint cannot name the OAuth client", () => {
    const integration = { clientId: "client-id-1", clientSecret: "client-secret-1" }
    const { url } = build({ integration, call: { endpoint: "/x/${clientSecret}", baseUrlOverride: "https://o.test" } })
    expect(url).not.toContain("client-secret-1")
  })
})
