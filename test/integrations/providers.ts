import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../helpers/sluice.ts"

const docs = "docs: https://www.rfc-editor.org/rfc/rfc6749.html"
const oauth = `auth_mode: OAUTH2
authorization_url: https://provider.test/authorize
token_url: https://provider.test/token
proxy:
  base_url: https://provider.test
${docs}
`

const files = {
  "plain-oauth": `display_name: Plain\n${oauth}`,
  "scoped-oauth": `display_name: Scoped\ndefault_scopes: [read, write]\n${oauth}`,
  "private-basic": `display_name: Basic\nauth_mode: BASIC\nproxy:\n  base_url: https://provider.test\n${docs}\n`,
  configured: `display_name: Configured
auth_mode: API_KEY
proxy:
  base_url: https://provider.test
credentials:
  apiKey:
    type: string
    title: Key
    description: A key.
integration_config:
  base:
    type: string
    title: Base address
    description: Where it is.
  extra:
    type: string
    title: Extra
    description: More.
    optional: true
${docs}
`,
}

/** A folder with providers of each kind that these tests need. */
export function writeProviders(): string {
  const folder = temporaryFolder("providers")
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.yaml`), text)
  return folder
}
