import { type AuthMode, authModes } from "../../src/providers/model.ts"
import { client, rsa } from "./stage.ts"

/** One line of the conformance table: how connections of a mode are made, and what must then be true. */
export type Row = {
  provider: string
  integration?: Record<string, unknown>
  config?: Record<string, unknown>
  /** What a person types; undefined: the browser way. */
  typed?: Record<string, unknown>
  /** `type` of what is stored. */
  stored: string | undefined
  /** How the provider sees a proxied request. */
  proof: string
  /** Input that no provider gets to see, and the code that refuses it. */
  malformed?: [unknown, string][]
  /** Input that the provider refuses, the code, and words of its that are shown. */
  refused?: [unknown, string, string]
}

const proxy = `proxy:\n  base_url: FAKE\n`
const verified = `${proxy}  verification:\n    method: GET\n    endpoints: [/whoami]\n`
const fields = (...names: string[]) =>
  `credentials:\n${names.map((name) => `  ${name}: {type: string, title: ${name}, description: x}\n`).join("")}`
const robin = { username: "robin", password: "fake-password" }
const endpoints = `authorization_url: FAKE/oauth/authorize\ntoken_url: FAKE/oauth/token\n`
const app = { app_id: "4711", app_link: "https://app.example.com/apps/fake", private_key: rsa.privateKey.trim() }
const oauthClient = (type: string) => ({ credentials: { type, ...client } })

export const rows: Record<AuthMode, Row> = {
  OAUTH2: {
    provider: `auth_mode: OAUTH2\n${endpoints}${proxy}`,
    integration: oauthClient("OAUTH2"),
    stored: "OAUTH2",
    proof: "bearer",
  },
  API_KEY: {
    provider: `auth_mode: API_KEY\n${fields("apiKey")}${verified}  headers:\n    x-api-key: \${apiKey}\n`,
    typed: { apiKey: "fake-api-key" },
    stored: "API_KEY",
    proof: "api_key",
    malformed: [
      [{}, "invalid_body"],
      [{ apiKey: "" }, "invalid_body"],
      [{ apiKey: 7 }, "invalid_body"],
      ["x", "invalid_body"],
    ],
    refused: [{ apiKey: "wrong-api-key" }, "connection_test_failed", "invalid"],
  },
  OAUTH2_CC: {
    provider: `auth_mode: OAUTH2_CC\ntoken_url: FAKE/oauth/token\ntoken_params:\n  grant_type: client_credentials\n${proxy}`,
    typed: client,
    stored: "OAUTH2_CC",
    proof: "bearer",
    malformed: [
      [{}, "missing_client_id"],
      [{ client_id: "x" }, "missing_client_secret"],
      [{ client_id: 1, client_secret: "x" }, "invalid_body"],
      [null, "missing_client_id"],
    ],
    refused: [{ ...client, client_secret: "wrong-secret" }, "client_credentials_fetch_error", "invalid_client"],
  },
  BASIC: {
    provider: `auth_mode: BASIC\n${verified}`,
    typed: robin,
    stored: "BASIC",
    proof: "basic",
    malformed: [
      [{ username: 1, password: "x" }, "invalid_body"],
      [{ username: "x".repeat(1025) }, "invalid_body"],
    ],
    refused: [{ ...robin, password: "wrong-password" }, "connection_test_failed", "invalid"],
  },
  TWO_STEP: {
    provider: `auth_mode: TWO_STEP\ntoken_url: FAKE/login\n${fields("username", "password")}token_params:
  username: \${credentials.username}
  password: \${credentials.password}
token_response:
  token: data.token
  token_expiration: data.expires_in
  token_expiration_strategy: expireIn
${proxy}`,
    typed: { type: "TWO_STEP", ...robin },
    stored: "TWO_STEP",
    proof: "bearer",
    malformed: [
      [{ username: "robin" }, "invalid_body"],
      [{ ...robin, password: ["x"] }, "invalid_body"],
    ],
    refused: [
      { ...robin, password: "wrong-password" },
      "two_step_credentials_fetch_error",
      "The name or the password is wrong.",
    ],
  },
  MCP_OAUTH2: {
    provider: `auth_mode: MCP_OAUTH2\nclient_registration: dynamic\nregistration_url: FAKE/oauth/register\n${endpoints}${proxy}`,
    stored: "OAUTH2",
    proof: "bearer",
  },
  MCP_OAUTH2_GENERIC: {
    provider:
      "auth_mode: MCP_OAUTH2_GENERIC\nconnection_config:\n  mcp_server_url: {type: string, title: URL, description: x}\nproxy:\n  base_url: https://mcp.example.com\n",
    config: { mcp_server_url: "https://mcp.example.com/mcp" },
    stored: "OAUTH2",
    proof: "bearer",
  },
  JWT: {
    provider: `auth_mode: JWT\n${fields("keyId", "privateKey")}signature:
  protocol: RSA
token:
  signing_key: \${credentials.privateKey}
  expires_in_ms: 300000
  header: {alg: RS256, kid: "\${credentials.keyId}"}
  payload: {iss: "\${credentials.keyId}", left: "\${credentials.out}"}
${proxy}`,
    typed: { keyId: "k1", privateKey: rsa.privateKey },
    stored: "JWT",
    // The fake knows no such token; that one is sent is looked at below.
    proof: "",
    malformed: [
      [{ keyId: "k1" }, "invalid_body"],
      [{ keyId: "k1", privateKey: "no key" }, "invalid_signing_key"],
    ],
  },
  OAUTH1: {
    provider: `auth_mode: OAUTH1\nrequest_url: FAKE/oauth1/request_token\nauthorization_url: FAKE/oauth1/authorize
token_url: FAKE/oauth1/access_token\nsignature_method: HMAC-SHA1\n${proxy}`,
    integration: oauthClient("OAUTH1"),
    stored: "OAUTH1",
    proof: "oauth1",
  },
  BILL: {
    provider: `auth_mode: BILL\ntoken_url: FAKE/bill/login\n${proxy}  headers:\n    x-session: \${credentials.session_id}\n`,
    typed: { ...robin, organization_id: "org", dev_key: "fake-api-key" },
    stored: "BILL",
    proof: "bearer",
    malformed: [[robin, "invalid_body"]],
    refused: [{ ...robin, organization_id: "org", dev_key: "wrong-dev-key" }, "bill_credentials_fetch_error", "wrong"],
  },
  NONE: { provider: `auth_mode: NONE\n${proxy}`, typed: {}, stored: undefined, proof: "" },
  APP: {
    provider: `auth_mode: APP\ntoken_url: FAKE/app/installations/\${connectionConfig.installation_id}/access_tokens\n${proxy}`,
    integration: { credentials: { type: "APP", ...app } },
    stored: "APP",
    proof: "bearer",
  },
  CUSTOM: {
    provider: `auth_mode: CUSTOM\nauthorization_url: \${connectionConfig.appPublicLink}/installations/new\ntoken_url:
  OAUTH2: FAKE/oauth/token
  APP: FAKE/app/installations/\${connectionConfig.installation_id}/access_tokens
${proxy}`,
    integration: { credentials: { type: "CUSTOM", ...client, ...app } },
    stored: "APP",
    proof: "bearer",
  },
  TBA: {
    provider: `auth_mode: TBA\nconnection_config:\n  accountId: {type: string, title: Account, description: x}\n${proxy}`,
    integration: oauthClient("TBA"),
    config: { accountId: "123-sb1" },
    typed: { token_id: "token-id-1234", token_secret: "token-secret-1234" },
    stored: "TBA",
    proof: "",
    malformed: [[{ token_id: "x" }, "invalid_body"]],
  },
  SIGNATURE: {
    provider: `auth_mode: SIGNATURE\nsignature: {protocol: WSSE}\ntoken: {expires_in_ms: 300000}\n${fields("username", "password")}${verified}  headers:\n    x-wsse: \${accessToken}\n`,
    typed: { type: "SIGNATURE", ...robin },
    stored: "SIGNATURE",
    proof: "wsse",
    malformed: [[{ username: "robin" }, "invalid_body"]],
    refused: [{ ...robin, password: "wrong-password" }, "connection_test_failed", "invalid"],
  },
  AWS_SIGV4: {
    provider: `auth_mode: AWS_SIGV4\n${fields("role_arn")}integration_config:
  service: {type: string, title: Service, description: x}
  defaultRegion: {type: string, title: Region, description: x}
  awsAccessKeyId: {type: string, title: Key, description: x}
  awsSecretAccessKey: {type: string, title: Secret, description: x}
${proxy}`,
    integration: {
      integration_config: {
        service: "execute-api",
        defaultRegion: "eu-west-1",
        awsAccessKeyId: "AKIAFAKE",
        awsSecretAccessKey: "fake-aws-secret-key",
      },
    },
    typed: { role_arn: "arn:aws:iam::123456789012:role/fake-role" },
    stored: "AWS_SIGV4",
    proof: "aws",
    malformed: [
      [{ role_arn: "fake-role" }, "invalid_body"],
      [{ role_arn: "arn:aws:iam::123456789012:role/x", region: "../evil" }, "invalid_body"],
    ],
    refused: [{ role_arn: "arn:aws:iam::123456789012:role/other" }, "aws_assume_role_error", "403"],
  },
  INSTALL_PLUGIN: {
    provider: `auth_mode: INSTALL_PLUGIN\nauth_type: BASIC\nredirect_uri_metadata: [website_id]\n${verified}`,
    integration: { custom: { ...robin, app_link: "https://plugin.example.com/install" } },
    stored: "BASIC",
    proof: "basic",
  },
}

/** Name of the provider and of the integration of a mode. */
export const keyOf = (mode: AuthMode) => mode.toLowerCase().replaceAll("_", "-")
export const providers = Object.fromEntries(authModes.map((mode) => [keyOf(mode), rows[mode].provider]))
export const table = authModes.map((mode) => [mode, rows[mode]] as const)
