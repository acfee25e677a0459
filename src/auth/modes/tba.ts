import { z } from "zod"
import { authFaults } from "../faults.ts"
import type { Mode } from "../mode.ts"
import { longestText, readTyped } from "../typed.ts"

const Text = z.string().min(1).max(longestText)
const Typed = z.object({
  token_id: Text,
  token_secret: Text,
  oauth_client_id_override: Text.optional(),
  oauth_client_secret_override: Text.optional(),
})

/** NetSuite's token-based authentication: every request is signed with OAuth 1.0a, HMAC-SHA256 (see `src/proxy/headers.ts`). */
export const tba: Mode = {
  stores: ["TBA"],
  verified: true,
  open: [],
  async typed(_, { connectionConfig }, input) {
    if (!connectionConfig.accountId) {
      throw authFaults.invalid_body({ message: "connection_config.accountId is required for TBA credentials" })
    }
    const typed = readTyped(Typed, input)
    const { oauth_client_id_override: client_id, oauth_client_secret_override: client_secret } = typed
    const override = { ...(client_id ? { client_id } : {}), ...(client_secret ? { client_secret } : {}) }
    const { token_id, token_secret } = typed
    return { credentials: { type: "TBA", token_id, token_secret, config_override: override } }
  },
}
