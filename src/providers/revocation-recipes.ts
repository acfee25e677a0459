import type { Revocation } from "./exchange.ts"

/** The names that the public catalogue format knows (`pre_connection_deletion_script`) and what each of them means. */
export const revocationRecipes: Record<string, Revocation> = {
  // https://developers.hubspot.com/docs/api-reference/auth-oauth-v1 (delete a refresh token)
  hubspotPreConnectionDeletion: {
    method: "DELETE",
    base_url_override: "https://api.hubapi.com",
    endpoint: "/oauth/v1/refresh-tokens/${credentials.refresh_token}",
    unless_metadata: "skipTokenRevocation",
  },
  intercomPreConnectionDeletion: { base_url_override: "https://api.intercom.io", endpoint: "/auth/uninstall" },
  linearPreConnectionDeletion: { endpoint: "/oauth/revoke" },
  // https://developers.onelogin.com/api-docs/1/oauth20-tokens/revoke-tokens
  oneloginPreConnectionDeletion: {
    endpoint: "/auth/oauth2/revoke",
    headers: {
      // The connection's own client, else the integration's.
      authorization:
        "client_id:${credentials.client_id}, client_secret:${credentials.client_secret} || client_id:${clientId}, client_secret:${clientSecret}",
    },
    data: { access_token: "${accessToken}" },
  },
}
