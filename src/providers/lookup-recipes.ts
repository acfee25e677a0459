import type { ConnectionLookup, LookupPick, LookupValue } from "./lookup.ts"

type Steps = ConnectionLookup[]
type Request = NonNullable<ConnectionLookup["request"]>

/** One GET whose answer holds what is wanted. */
const get = (
  endpoint: string,
  save: Record<string, LookupValue>,
  more: Omit<ConnectionLookup, "save"> & Partial<Request> = {},
): ConnectionLookup => {
  const { base_url_override, query, ...rest } = more
  const request = { endpoint, ...(base_url_override ? { base_url_override } : {}), ...(query ? { query } : {}) }
  return { request, ...rest, save }
}
const graphql = (endpoint: string, query: string, save: Record<string, LookupValue>): ConnectionLookup => ({
  request: { method: "POST", endpoint, data: { query } },
  save,
})
const emailHash = (path: string) => ({ emailAddressHash: { path, as: "email-hash" as const } })

/** Of several sites the one that was named when connecting, by its address or else by its title; else the first. */
const site: LookupPick[] = [
  { path: "url", as: "first-label", equals: "${connectionConfig.subdomain}" },
  { path: "name", contains: "${connectionConfig.subdomain}" },
  "first",
]
/** https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/#3-1-get-the-cloudid-for-your-site */
const atlassian = (base_url_override?: string): Steps => [
  get(
    "/oauth/token/accessible-resources",
    { cloudId: "id", baseUrl: "url" },
    { base_url_override, list: "", pick: site },
  ),
  // Which of both products the token reaches is known only by asking.
  get("/ex/jira/${connectionConfig.cloudId}/rest/api/3/myself", { accountId: "accountId" }, { optional: true }),
  get(
    "/ex/confluence/${connectionConfig.cloudId}/wiki/rest/api/user/current",
    { accountId: "accountId" },
    { optional: true, unless: ["accountId"] },
  ),
]

/**
 * The names that the public catalogue format knows (`post_connection_script`) and what each of them means. An entry with
 * a `post_connection` of its own needs no name.
 */
export const lookupRecipes: Record<string, Steps> = {
  adobeUmapiPostConnection: [{ from: "credentials", save: { clientId: "client_id" } }],
  atlassianGovernmentCloudPostConnection: atlassian("https://auth.atlassian-us-gov-mod.com"),
  atlassianServicAccountPostConnection: atlassian(),
  attioPostConnection: [get("/v2/self", { workspace_id: "workspace_id" })],
  basecampPostConnection: [
    get(
      "/authorization.json",
      { accountId: "id" },
      {
        base_url_override: "https://launchpad.37signals.com",
        unless: ["accountId"],
        list: "accounts",
        pick: ["only"],
      },
    ),
  ],
  // They were needed to log in, and are worth more than the token.
  bullhornPostConnection: [{ unset: ["username", "password"] }],
  calendlyPostConnection: [
    get("/users/me", { organizationId: { path: "resource.current_organization", matches: "([^/]+)/?$" } }),
  ],
  candisPostConnection: [get("/v1/organizations/info", { organizationId: "id" })],
  checkrPartnerPostConnection: [
    {
      request: {
        endpoint: "/v1/nodes",
        query: { page: 1, per_page: 1 },
        headers: { authorization: "Basic ${base64(${credentials.access_token}:)}" },
      },
      probe: "accountHierarchyEnabled",
    },
  ],
  // The sandbox has an account server of its own. https://developers.docusign.com/platform/auth/reference/user-info/
  docusignPostConnection: [
    get(
      "/oauth/userinfo",
      { baseUri: "base_uri", accountId: "account_id" },
      { base_url_override: "${tokenOrigin}", list: "accounts", pick: [{ path: "is_default", equals: true }] },
    ),
  ],
  githubAppOauthPostConnection: [
    {
      // The app's own token belongs to nobody.
      request: {
        endpoint: "/user",
        headers: { authorization: "Bearer ${connectionConfig.userCredentials.access_token}" },
      },
      save: { handle: "login" },
    },
  ],
  googleCalendarPostConnection: [get("/calendar/v3/users/me/calendarList/primary", emailHash("id"))],
  googleMailPostConnection: [get("/gmail/v1/users/me/profile", emailHash("emailAddress"))],
  gustoPostConnection: [
    get(
      "/v1/token_info",
      { companyUuid: "resource.uuid" },
      { base_url_override: "${tokenOrigin}", when: { path: "resource.type", equals: "Company" } },
    ),
  ],
  highlevelPostConnection: [
    { from: "credentials", save: { companyId: "raw.companyId", locationId: "raw.locationId" } },
  ],
  hubspotPostConnection: [get("/account-info/v3/details", { portalId: "portalId" })],
  jiraPostConnection: atlassian(),
  jobberPostConnection: [graphql("/graphql", "query { account { id } }", { accountId: "data.account.id" })],
  linearPostConnection: [
    graphql("/graphql", "query { organization { id } }", { organizationId: "data.organization.id" }),
  ],
  mailchimpPostConnection: [
    {
      request: {
        endpoint: "/oauth2/metadata",
        base_url_override: "https://login.mailchimp.com",
        // https://mailchimp.com/developer/marketing/guides/access-user-data-oauth-2/
        headers: { authorization: "OAuth ${credentials.access_token}" },
      },
      save: { dc: "dc" },
    },
  ],
  // The bot's own token comes with the entry's `extra_token`.
  microsoftTeamsBotPostConnection: [],
  microsoftTeamsPostConnection: [{ from: "claims", save: { tenantId: "tid" } }],
  onedrivePostConnection: [{ from: "claims", save: { tenantId: "tid" } }],
  procorePostConnection: [
    get("/rest/v1.0/companies", { companyId: "id" }, { unless: ["companyId"], list: "", pick: ["first"] }),
  ],
  ripplingShopAppPostConnection: [{ request: { method: "POST", endpoint: "/platform/api/mark_app_installed" } }],
  sage200PostConnection: [
    get("/accounts/v1/sites", { company_id: "company_id", site_id: "site_id" }, { list: "", pick: ["first"] }),
  ],
  salesforcePostConnection: [],
  sellsyPostConnection: [{ from: "claims", save: { corpid: "corpId" } }],
  sentryOauthPostConnection: [
    {
      request: {
        method: "PUT",
        base_url_override: "https://sentry.io",
        endpoint: "/api/0/sentry-app-installations/${connectionConfig.installation.uuid}/",
        data: { status: "installed" },
      },
      unset: ["pending"],
    },
  ],
  snowflakePostConnection: [
    {
      request: { method: "POST", endpoint: "/api/v2/statements", data: { statement: "SELECT CURRENT_USER()" } },
      save: { username: "data.0.0" },
    },
  ],
  sophosCentralPostConnection: [
    get(
      "/whoami/v1",
      { tenantId: "id", dataRegion: "apiHosts.dataRegion" },
      { base_url_override: "https://api.central.sophos.com" },
    ),
  ],
  workablePostConnection: [
    get(
      "/spi/v3/accounts",
      { subdomain: "subdomain" },
      { base_url_override: "https://workable.com", unless: ["subdomain"], list: "accounts", pick: ["first"] },
    ),
  ],
  xeroPostConnection: [
    get(
      "/connections",
      { tenant_id: "tenantId" },
      { list: "", pick: ["only", { path: "authEventId", equals: "${claims.authentication_event_id}" }] },
    ),
  ],
  zohoPostConnection: [
    {
      from: "connection_config",
      unless: ["extension"],
      save: { extension: { path: "api_domain", matches: "zohoapis\\.([a-z.]+)" } },
    },
  ],
}
