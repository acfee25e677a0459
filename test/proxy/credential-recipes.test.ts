import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { OutboundRequest } from "../../src/kit/fetch.ts"
import { signAwsRequest } from "../../src/providers/aws-signature.ts"
import { Revocation, ProviderVerification, revocationOf, verificationOf } from "../../src/providers/exchange.ts"
import { revocationRecipes } from "../../src/providers/revocation-recipes.ts"
import { verificationRecipes } from "../../src/providers/verification-recipes.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { temporaryFolder } from "../helpers/sluice.ts"

/* What the public names of verifications and of last requests mean: what is sent, and what is made of the answer. */

const api = "https://api.test"
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status })
const xml = (text: string) => new Response(text, { headers: { "content-type": "text/xml" } })
type Case = { asked: string; body?: unknown; good: () => Response; bad: (() => Response)[] }

const denied = () => json({ error: "no" }, 401)
const whoami = "https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
const verifications: Record<string, Case> = {
  apolloCredentialsVerification: {
    asked: `GET ${api}/v1/auth/health`,
    good: () => json({ is_logged_in: true }),
    bad: [denied, () => json({ is_logged_in: false }), () => json({})],
  },
  awsIamCredentialsVerification: {
    asked: `GET ${whoami}`,
    good: () => xml("<GetCallerIdentityResponse/>"),
    bad: [() => new Response("<ErrorResponse/>", { status: 403 })],
  },
  azureDevopsCredentialsVerification: {
    asked: `GET ${api}/_apis/projects`,
    good: () => json({ count: 0, value: [] }),
    bad: [denied, () => json({ value: [] }, 203), () => new Response("<html>Sign in</html>")],
  },
  bitdefenderCredentialsVerification: {
    asked: `POST ${api}/v1.0/jsonrpc/general`,
    body: { jsonrpc: "2.0", id: "1", method: "getApiKeyDetails", params: {} },
    good: () => json({ result: { companyName: "x" } }),
    bad: [denied, () => json({ error: { code: -32_000 } })],
  },
  cdwCredentialsVerification: {
    asked: `POST ${api}/v1/customers/orders`,
    body: {},
    good: () => json({ message: "no lines" }, 400),
    bad: [denied, () => json({}, 403)],
  },
  expensifyCredentialsVerification: {
    asked: "POST https://integrations.expensify.com/Integration-Server/ExpensifyIntegrations",
    body: {
      requestJobDescription: JSON.stringify({
        type: "get",
        credentials: { partnerUserID: 'us"er', partnerUserSecret: "the-password" },
        inputSettings: { type: "policyList" },
      }),
    },
    good: () => json({ policyList: [] }),
    bad: [denied, () => json({ responseMessage: "Authentication error", responseCode: 401 })],
  },
  lastpassCredentialsVerification: {
    asked: `POST ${api}/enterpriseapi.php`,
    body: { cid: "4711", provhash: "the-password", cmd: "getuserdata", data: { pagesize: 1, pageindex: 0 } },
    good: () => json({ total: 0 }),
    bad: [
      denied,
      () => json({ status: "FAIL", error: ["Authorization Error"] }),
      () => new Response("Authorization Error"),
    ],
  },
  pushpayChmsV1CredentialsVerification: {
    asked: `GET ${api}/api.php?srv=api_status`,
    good: () => xml("<ccb_api><response><daily_limit>1</daily_limit></response></ccb_api>"),
    bad: [denied, () => xml("<ccb_api><response><errors><error>x</error></errors></response></ccb_api>")],
  },
  skioCredentialsVerification: {
    asked: `POST ${api}/v1/graphql`,
    body: { query: "query { Orders(limit: 1) { id } }" },
    good: () => json({ data: { Orders: [] } }),
    bad: [denied, () => json({ errors: [{ message: "x" }] }), () => json({ data: { Orders: null } })],
  },
  snipeItCredentialsVerification: { asked: `GET ${api}/api/v1/users`, good: () => json({ rows: [] }), bad: [denied] },
}

let t: TestApp
let answer: () => Response
let sent: OutboundRequest[] = []
let made = 0
const providers = temporaryFolder("providers")

beforeAll(async () => {
  const head = `display_name: x\ndocs: https://x.test\nproxy:\n  base_url: ${api}\n`
  for (const name of [...Object.keys(verificationRecipes), "nobody"]) {
    const entry = `${head}auth_mode: BASIC\n${knows(verificationRecipes[name])}credentials_verification_script: ${name}\n`
    writeFileSync(join(providers, `${name.toLowerCase()}.yaml`), entry)
  }
  const oauth = "auth_mode: OAUTH2\nauthorization_url: https://p.test/a\ntoken_url: https://p.test/t\n"
  for (const name of Object.keys(revocationRecipes)) {
    const entry = `${head}${oauth}${knows(revocationRecipes[name])}pre_connection_deletion_script: ${name}\n`
    writeFileSync(join(providers, `${name.toLowerCase()}.yaml`), entry)
  }
  t = await testApp({ config: { providers, verifyCredentials: true } })
  t.app.egress.send = async (request) => {
    sent.push(request)
    return answer()
  }
  const client = { credentials: { type: "OAUTH2", client_id: "the-id", client_secret: "the-secret" } }
  for (const name of [...Object.keys(verifications), "nobody", ...Object.keys(revocationRecipes)]) {
    const provider = name.toLowerCase()
    const more = Object.hasOwn(revocationRecipes, name) ? client : {}
    const made = await t.request("POST", "/integrations", { body: { provider, unique_key: provider, ...more } })
    expect(made.status).toBe(200)
  }
})
afterAll(() => t.close())
beforeEach(() => {
  sent = []
  answer = () => json({})
})

/** The member of an entry that makes the site its own at which its recipe asks. */
const knows = (recipe: { base_url_override?: string } | undefined): string =>
  recipe?.base_url_override ? `refresh_url: ${recipe.base_url_override}\n` : ""

const connect = (name: string, more: object) => {
  const connection_id = `c${++made}`
  const body = { provider_config_key: name.toLowerCase(), connection_id, ...more }
  return t.request("POST", "/connections", { body })
}
const typed = {
  credentials: { type: "BASIC", username: 'us"er', password: "the-password" },
  connection_config: { cid: "4711" },
}
const bodyOf = ({ body, headers }: OutboundRequest): unknown => {
  const isForm = new Headers(headers).get("content-type")?.includes("form")
  return isForm ? Object.fromEntries(new URLSearchParams(String(body))) : JSON.parse(String(body))
}

describe.each(Object.entries(verifications))("%s", (name, one) => {
  test("asks, and takes a good answer", async () => {
    answer = one.good
    expect((await connect(name, typed)).status).toBe(201)
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([one.asked])
    if ("body" in one) expect(bodyOf(sent[0] as OutboundRequest)).toEqual(one.body)
    else expect(sent[0]?.body ?? null).toBeNull()
  })

  test.each(one.bad.map((bad) => [bad] as const))("refuses others (%#)", async (bad) => {
    answer = bad
    const refused = await connect(name, typed)
    expect([refused.status, refused.body.error?.code]).toEqual([400, "connection_test_failed"])
  })
})

test("an identity of AWS is asked for with the service's own signature", async () => {
  await connect("awsIamCredentialsVerification", typed)
  const headers = new Headers(sent[0]?.headers)
  const { searchParams } = new URL(whoami)
  const wanted = signAwsRequest({
    accessKey: 'us"er',
    secretKey: "the-password",
    region: "us-east-1",
    service: "sts",
    host: "sts.amazonaws.com",
    method: "GET",
    path: "/",
    query: searchParams.toString(),
    contentType: undefined,
    body: "",
    now: t.clock.now(),
  })
  expect([headers.get("authorization"), headers.get("x-amz-date")]).toEqual([wanted, "20260301T120000Z"])
})

test("a name that nobody knows proves nothing and passes", async () => {
  expect([(await connect("nobody", typed)).status, sent]).toEqual([201, []])
})

describe("the last request of", () => {
  const credentials = { type: "OAUTH2", access_token: "the-access", refresh_token: "the/refresh" }
  const remove = async (name: string, more: object = {}) => {
    const { body } = await connect(name, { credentials, ...more })
    const query = `provider_config_key=${name.toLowerCase()}`
    expect((await t.request("DELETE", `/connections/${body.connection_id}?${query}`)).status).toBe(200)
    return sent.map(({ method, url }) => `${method} ${url}`)
  }

  test.each([
    ["hubspotPreConnectionDeletion", "DELETE https://api.hubapi.com/oauth/v1/refresh-tokens/the%2Frefresh"],
    ["intercomPreConnectionDeletion", "POST https://api.intercom.io/auth/uninstall"],
    ["linearPreConnectionDeletion", `POST ${api}/oauth/revoke`],
    ["oneloginPreConnectionDeletion", `POST ${api}/auth/oauth2/revoke`],
  ])("%s", async (name, asked) => {
    expect(await remove(name)).toEqual([asked])
  })

  test("is not made for a connection that lacks what it would end", async () => {
    const bare = { credentials: { type: "OAUTH2", access_token: "the-access" } }
    expect(await remove("hubspotPreConnectionDeletion", bare)).toEqual([])
  })

  test("HubSpot's is left out where the owner says so", async () => {
    expect(await remove("hubspotPreConnectionDeletion", { metadata: { skipTokenRevocation: true } })).toEqual([])
  })

  test("OneLogin's names its client in a way of its own", async () => {
    await remove("oneloginPreConnectionDeletion")
    expect(new Headers(sent[0]?.headers).get("authorization")).toBe("client_id:the-id, client_secret:the-secret")
    expect(bodyOf(sent[0] as OutboundRequest)).toEqual({ access_token: "the-access" })
  })
})

describe("a recipe", () => {
  test("is a valid one, and each has a case", () => {
    expect(Object.keys(verifications).toSorted()).toEqual(Object.keys(verificationRecipes).toSorted())
    for (const recipe of Object.values(verificationRecipes)) ProviderVerification.parse(recipe)
    for (const recipe of Object.values(revocationRecipes)) Revocation.parse(recipe)
  })

  test("asks where the entry leads when that is not the site that its name is known for", () => {
    const entry = {
      display_name: "x",
      docs: "",
      auth_mode: "OAUTH2" as const,
      proxy: { base_url: "http://127.0.0.1:9" },
    }
    const script = "hubspotPreConnectionDeletion"
    const elsewhere = revocationOf({ ...entry, pre_connection_deletion_script: script })
    expect(elsewhere).toEqual({ ...revocationRecipes[script], base_url_override: undefined } as Revocation)
    const european = {
      ...entry,
      proxy: { base_url: "https://${connectionConfig.region}.hubapi.com/x || https://a.test" },
    }
    expect(revocationOf({ ...european, pre_connection_deletion_script: script })).toBe(revocationRecipes[script])
    const verification = verificationOf({
      ...entry,
      credentials_verification_script: "expensifyCredentialsVerification",
    })
    expect(verification?.base_url_override).toBeUndefined()
  })

  test("gives way to what an entry says itself", () => {
    const entry = { display_name: "x", docs: "", auth_mode: "BASIC" as const }
    const own = { endpoints: ["/mine"] }
    const named = { credentials_verification_script: "snipeItCredentialsVerification", proxy: { verification: own } }
    expect(verificationOf({ ...entry, ...named })).toBe(own)
    const script = "linearPreConnectionDeletion"
    const revocation = { endpoint: "/mine" }
    expect(revocationOf({ ...entry, revocation, pre_connection_deletion_script: script })).toBe(revocation)
    expect(revocationOf({ ...entry, revocation, pre_connection_deletion_script: "" })).toBeUndefined()
    expect(revocationOf({ ...entry, pre_connection_deletion_script: "constructor" })).toBeUndefined()
  })
})
