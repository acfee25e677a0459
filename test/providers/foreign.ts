/** A catalogue as an operator might bring it: `count` entries of every common kind, about 27 lines each, aliases among them. */
export function foreignCatalogue(count = 981): string {
  return Array.from({ length: count }, (_, index) => (kinds[index % kinds.length] as Kind)(index)).join("\n")
}

/** The id of the entry with this number. */
export const foreignId = (index: number) => `vendor-${index}`

type Kind = (index: number) => string

const head = (index: number) => `${foreignId(index)}:
  display_name: Vendor ${index}
  categories:
    - ${["crm", "dev-tools", "accounting", "support"][index % 4]}
    - other`

const tail = (index: number) => `  docs: https://docs.vendor-${index}.test/api
  docs_connect: https://docs.vendor-${index}.test/connect
  setup_guide_url: https://docs.vendor-${index}.test/setup
`

const field = (name: string, title: string, more = "") => `    ${name}:
      type: string
      title: ${title}
      description: The ${title.toLowerCase()} as the vendor's settings page shows it
      doc_section: "#step-1-find-your-${name.toLowerCase()}"
${more}`

const oauth: Kind = (index) => `${head(index)}
  auth_mode: OAUTH2
  authorization_url: https://\${connectionConfig.subdomain}.vendor-${index}.test/oauth/authorize
  token_url: https://\${connectionConfig.subdomain}.vendor-${index}.test/oauth/token
  authorization_params:
    response_type: code
    access_type: offline
  token_params:
    grant_type: authorization_code
  refresh_params:
    grant_type: refresh_token
  scope_separator: ","
  proxy:
    base_url: https://\${connectionConfig.subdomain}.vendor-${index}.test
    retry:
      after: retry-after
      error_code: ["429", 5xx]
    paginate:
      type: cursor
      cursor_path_in_response: meta.next
      cursor_name_in_request: after
      limit_name_in_request: limit
      response_path: data
  connection_config:
${field("subdomain", "Subdomain", `      format: hostname\n      pattern: ^[a-z0-9_-]+$\n      example: acme\n      prefix: https://\n      suffix: .vendor-${index}.test\n`)}${tail(index)}`

const key: Kind = (index) => `${head(index)}
  auth_mode: API_KEY
  proxy:
    base_url: https://api.vendor-${index}.test
    headers:
      authorization: Bearer \${apiKey}
      accept: application/json
    verification:
      method: GET
      endpoints:
        - /v1/me
  credentials:
${field("apiKey", "API key", "      secret: true\n      pattern: ^[A-Za-z0-9]{20,40}$\n")}${tail(index)}`

const basic: Kind = (index) => `${head(index)}
  auth_mode: BASIC
  proxy:
    base_url: https://\${connectionConfig.hostname}
    retry:
      at: x-ratelimit-reset
      remaining: x-ratelimit-remaining
    verification:
      method: GET
      endpoints:
        - /rest/me
  credentials:
${field("username", "User name")}${field("password", "Password", "      secret: true\n")}  connection_config:
${field("hostname", "Host name", "      format: hostname\n      example: vendor.test\n")}${tail(index)}`

const twoStep: Kind = (index) => `${head(index)}
  auth_mode: TWO_STEP
  token_url: https://api.vendor-${index}.test/session
  token_params:
    user: \${credentials.user}
    key: \${credentials.key}
  token_headers:
    content-type: application/json
  token_response:
    token: data.token
    token_expiration: data.expires
    token_expiration_strategy: expireIn
  proxy:
    base_url: https://api.vendor-${index}.test
    headers:
      x-session: \${accessToken}
  credentials:
${field("user", "User")}${field("key", "Key", "      secret: true\n")}${tail(index)}`

/** Points at the entry after it, which for one in fifteen is an alias too. */
const alias: Kind = (index) => `${foreignId(index)}:
  display_name: Vendor ${index} (other name)
  alias: ${foreignId(index < 15 ? index + 1 : index - 15)}
  docs: https://docs.vendor-${index}.test/other
`

const kinds: Kind[] = [oauth, key, oauth, key, basic, oauth, twoStep, key, oauth, key, basic, oauth, key, alias, oauth]
