import { defineFaults } from "../kit/errors.ts"

/**
 * What can go wrong while credentials are obtained or renewed. Codes are those of the public API; the payload of one
 * that a provider caused holds `status` and the provider's own words in `provider_error`, without secrets.
 */
export const authFaults = defineFaults({
  invalid_body: [400, ""],
  invalid_auth_mode: [400, "The auth mode of the provider does not work this way.", "legacy"],
  connection_test_failed: [400, "The given credentials were found to be invalid. Please check them and try again."],

  missing_token_url: [400, "The provider's entry has no token URL.", "legacy"],
  url_param_err: [400, "A URL of the provider needs a value that the connection does not have.", "legacy"],
  grant_type_err: [400, "The provider's grant type does not work with a redirect.", "legacy"],
  provider_config_err: [400, "The integration lacks its client id, secret or app link.", "legacy"],
  callback_err: [400, "The provider sent no authorization code.", "legacy"],
  token_err: [400, "The provider gave no token.", "legacy"],
  incomplete_raw_credentials: [400, "The provider's answer holds no token.", "legacy"],
  wrong_auth_mode: [400, "The app must be approved by an administrator first, which is not supported.", "legacy"],

  refresh_token_external_error: [400, "The provider refused to refresh the token.", "legacy"],
  refresh_token_parsing_error: [400, "The provider's answer to the refresh could not be read.", "legacy"],
  client_credentials_fetch_error: [400, "The provider gave no token for these client credentials.", "legacy"],
  missing_client_id: [400, "The credentials have no client id.", "legacy"],
  missing_client_secret: [400, "The credentials have no client secret.", "legacy"],
  missing_client_private_key: [400, "The credentials have no private key.", "legacy"],
  invalid_client_private_key_format: [400, "The private key is not a JWK with an RSA key.", "legacy"],
  invalid_certificate_or_key_format: [400, "The client certificate or its key is not valid PEM.", "legacy"],
  two_step_credentials_fetch_error: [400, "The provider gave no token for these credentials.", "legacy"],
  invalid_two_step_credentials: [400, "The provider's answer holds no token.", "legacy"],
  invalid_signing_key: [400, "The private key cannot sign.", "legacy"],
  assertion_expired: [400, "The assertion has expired. Connect again to make a new one.", "legacy"],
  aws_assume_role_error: [400, "AWS did not let the role be assumed.", "legacy"],
  bill_credentials_fetch_error: [400, "The provider refused the login.", "legacy"],
  app_token_fetch_error: [400, "The provider gave no token for the installation.", "legacy"],
  mcp_discovery_error: [400, "The MCP server does not say how to authorize.", "legacy"],
  client_registration_error: [400, "The provider did not register this server as a client.", "legacy"],
})

export type AuthFault = keyof typeof authFaults
