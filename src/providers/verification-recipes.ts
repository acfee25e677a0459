import type { ProviderVerification } from "./exchange.ts"

const caller = "${credentials.username}, ${credentials.password}, us-east-1, sts, sts.amazonaws.com"

/**
 * The names that the public catalogue format knows (`credentials_verification_script`) and what each of them means. An
 * entry with a `proxy.verification` of its own needs no name.
 */
export const verificationRecipes: Record<string, ProviderVerification> = {
  apolloCredentialsVerification: {
    endpoints: ["/v1/auth/health"],
    fail_if: [{ path: "is_logged_in", matches: "^(?!true$)" }],
  },
  // Whoever may use keys at all may ask who they are.
  awsIamCredentialsVerification: {
    base_url_override: "https://sts.amazonaws.com",
    endpoints: ["/?Action=GetCallerIdentity&Version=2011-06-15"],
    headers: { authorization: `\${awsSigV4(${caller})}`, "x-amz-date": "${now:YYYYMMDDTHHmmss[Z]}" },
  },
  // To a bad key it shows the page where people sign in.
  azureDevopsCredentialsVerification: {
    endpoints: ["/_apis/projects"],
    ok_status: [200],
    fail_if: [{ path: "value", missing: true }],
  },
  bitdefenderCredentialsVerification: {
    method: "POST",
    endpoints: ["/v1.0/jsonrpc/general"],
    data: { jsonrpc: "2.0", id: "1", method: "getApiKeyDetails", params: {} },
    fail_if: [{ path: "result", missing: true }],
  },
  // An empty order is refused only after the key was found good.
  cdwCredentialsVerification: {
    method: "POST",
    endpoints: ["/v1/customers/orders"],
    data: {},
    ok_status: [200, 201, 202, 400],
  },
  // https://integrations.expensify.com/Integration-Server/doc/
  expensifyCredentialsVerification: {
    method: "POST",
    base_url_override: "https://integrations.expensify.com",
    endpoints: ["/Integration-Server/ExpensifyIntegrations"],
    headers: { authorization: "" },
    body_format: "form",
    data: {
      requestJobDescription: {
        type: "get",
        credentials: {
          partnerUserID: "${credentials.username}",
          partnerUserSecret: "${credentials.password}",
        },
        inputSettings: { type: "policyList" },
      },
    },
    fail_if: [{ matches: "Authentication error" }],
  },
  // https://support.lastpass.com/s/document-item?bundleId=lastpass&topicId=LastPass/api_getting_started.html
  lastpassCredentialsVerification: {
    method: "POST",
    endpoints: ["/enterpriseapi.php"],
    data: {
      cid: "${connectionConfig.cid} || ${credentials.username}",
      provhash: "${credentials.apiKey} || ${credentials.password}",
      cmd: "getuserdata",
      data: { pagesize: 1, pageindex: 0 },
    },
    fail_if: [{ matches: "Authorization Error" }],
  },
  pushpayChmsV1CredentialsVerification: {
    endpoints: ["/api.php?srv=api_status"],
    // The body is looked at as a tree.
    fail_if: [{ matches: '"error"|<error' }],
  },
  skioCredentialsVerification: {
    method: "POST",
    endpoints: ["/v1/graphql"],
    data: { query: "query { Orders(limit: 1) { id } }" },
    fail_if: [{ path: "data.Orders", matches: "^(?!\\[)" }],
  },
  snipeItCredentialsVerification: { endpoints: ["/api/v1/users"], headers: { accept: "application/json" } },
}
