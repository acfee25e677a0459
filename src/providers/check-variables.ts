import type { Finding } from "./check.ts"
import { type FoundTemplate, isMalformed } from "./check-templates.ts"
import type { Provider } from "./model.ts"
import { placeholdersIn } from "./template.ts"

/** Names that some template may use whatever the entry declares. */
const flatNames = new Set([
  ...["apiKey", "username", "password", "accessToken", "refreshToken", "clientId", "clientSecret", "token"],
  ...["refresh_token", "access_token", "assertion", "code", "redirectUri", "codeVerifier", "state", "scopes"],
  ...["endpoint", "method", "host", "path", "params", "urlCanonicalParams", "bodyCanonicalParams", "contentType"],
  ...["connection_id", "provider_config_key", "clientSecretHead", "callbackHost", "tokenOrigin", "page"],
])
const groups = new Set(["connectionConfig", "connection_config", "metadata", "assertionOption", "claims", "raw"])
const isGroup = (head: string) => groups.has(head) || /^step\d+$/.test(head)

/** What stored credentials hold beside what was typed in. */
const storedMembers = new Set([
  ...["username", "password", "apiKey", "access_token", "refresh_token", "token", "oauth_token", "oauth_token_secret"],
  ...["raw", "_cookies", "assertion", "config_override", "client_id", "client_secret", "expires_at", "type"],
])

/** Names in templates that will never have a value: misspelt, or a field that the entry does not declare. */
export function checkVariables(provider: Provider, templates: readonly FoundTemplate[]): Finding[] {
  const fieldsOf = (section: "credentials" | "connection_config" | "integration_config" | "assertion_option") =>
    Object.keys(provider[section] ?? {})
  const typed = new Set([...fieldsOf("credentials"), ...fieldsOf("integration_config")])
  const flat = new Set([...flatNames, ...typed, ...fieldsOf("connection_config"), ...fieldsOf("assertion_option")])
  const isKnown = (name: string) => {
    const [head = "", member = ""] = name.split(".")
    if (head === "credentials" && member !== "") return typed.has(member) || storedMembers.has(member)
    return isGroup(head) || flat.has(name)
  }
  return templates.flatMap(({ path, template }) =>
    (isMalformed(template) ? [] : placeholdersIn(template))
      .filter((name) => !isKnown(name))
      .map((name) => ({ path, message: `\${${name}} is not a name that a template can use here` })),
  )
}
