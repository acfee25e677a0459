import { authFaults } from "../faults.ts"
import type { AuthTarget, Mode } from "../mode.ts"
import { metadataOf } from "../token-answer.ts"
import { withQuery } from "../token-request.ts"

/** A plugin of the owner's that an account installs (Crisp): the credentials are the plugin's, the account is an id. */
export const installPlugin: Mode = {
  stores: ["BASIC", "INSTALL_PLUGIN"],
  verified: true,
  open: ["username"],
  browser: {
    async start(_, target, request) {
      const link = target.custom.app_link
      if (!link || !URL.canParse(link))
        throw authFaults.provider_config_err({ message: "The integration has no app link." })
      return { url: withQuery(link, { payload: request.state }), remembered: { callbackUrl: request.callbackUrl } }
    },
    async finish(_, target, { query }) {
      const found = metadataOf(query, target.provider.redirect_uri_metadata)
      const wanted = target.provider.redirect_uri_metadata ?? []
      if (wanted.some((name) => found[name] === undefined))
        throw authFaults.callback_err({ message: `The provider did not send ${wanted.join(", ")}.` })
      return { credentials: pluginCredentials(target), connectionConfig: found }
    },
  },
}

function pluginCredentials({ custom, provider }: AuthTarget) {
  const { username, password } = custom
  if (!username || !password)
    throw authFaults.provider_config_err({ message: "The integration lacks the plugin's user name or password." })
  const type = provider.auth_type === "INSTALL_PLUGIN" ? ("INSTALL_PLUGIN" as const) : ("BASIC" as const)
  return { type, username, password }
}
