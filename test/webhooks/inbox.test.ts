import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { signWebhook } from "../../src/fake-provider/webhooks.ts"
import { sweepInbox } from "../../src/webhooks/inbox.ts"
import { temporaryFolder } from "../helpers/sluice.ts"
import { type Receiver, startReceiver } from "../helpers/receiver.ts"
import { openIncoming, startIssuer } from "./incoming-room.ts"
import { day, webhooksOf } from "./room.ts"

let w: Awaited<ReturnType<typeof openIncoming>>
let receiver: Receiver
beforeEach(async () => {
  w = await openIncoming()
  receiver = startReceiver()
})
afterEach(async () => {
  await w.t.close()
  await receiver.stop()
})

const good = { connectionId: "c", type: "ping" }
/** The integration `k`: no signature, the body names type and connection. */
async function plain(more: Record<string, unknown> = {}): Promise<void> {
  await w.integrate("k", "unauthenticated", more)
  await w.connect("k", "c", {}, "NONE")
  await w.listen({ hears: ["k", "ping"] })
}
const forwarded = async () =>
  (await webhooksOf(w.t).deliveries()).filter(({ type }) => type === "forward").map(({ body }) => JSON.parse(body))

describe("an address", () => {
  test("of no environment or integration is not there; of a provider without webhooks it says nothing", async () => {
    const post = (path: string) => w.t.request("POST", path, { key: null, body: good })
    const { uuid } = w.t.ctx.environment
    const codes: [string, number, string | undefined][] = [
      ["/webhook/nonsense/k", 400, "invalid_uri_params"],
      [`/webhook/${crypto.randomUUID()}/k`, 404, "unknown_environment"],
      [`/webhook/${uuid}/absent`, 404, "unknown_provider_config"],
    ]
    for (const [path, status, code] of codes) {
      const answer = await post(path)
      expect([path, answer.status, answer.body.error.code]).toEqual([path, status, code])
    }
    await w.integrate("quiet", "silent")
    const answer = await w.send("quiet", good)
    expect([answer.status, answer.text]).toEqual([204, ""])
    expect(await w.inbox()).toEqual([])
    await plain()
    const other = await post(`/webhook/${w.t.prod.environment.uuid}/k`)
    expect([other.status, other.body.error.code]).toEqual([404, "unknown_provider_config"])
    expect((await post(`/WEBHOOK/${uuid}/k/`)).status).toBe(200)
  })

  test("is shown with the integration, where there is one", async () => {
    await plain()
    await w.integrate("quiet", "silent")
    await w.integrate("pay", "stripe-api-key")
    const url = async (key: string) =>
      (await w.t.request("GET", `/integrations/${key}?include=webhook`)).body.data.webhook_url
    const base = `http://localhost:3003/webhook/${w.t.ctx.environment.uuid}`
    expect([await url("k"), await url("quiet"), await url("pay")]).toEqual([`${base}/k`, null, `${base}/pay`])
  })
})

describe("a handshake", () => {
  test("of Slack is answered with its challenge, once its signature is good", async () => {
    await w.integrate("s", "slack", w.oauth("the-secret"))
    const body = JSON.stringify({ type: "url_verification", challenge: "<b>3eZbrw</b>" })
    const headers = signWebhook(body, {
      scheme: "slack-v0",
      secret: "the-secret",
      timestamp: Math.floor(w.t.clock.now().getTime() / 1000),
      id: "",
    })
    const answer = await w.send("s", body, headers)
    expect([answer.status, answer.text]).toEqual([200, "<b>3eZbrw</b>"])
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8")
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
    expect((await w.send("s", body)).status).toBe(401)
    expect((await w.inbox("state=matched")).length + (await w.inbox("state=unmatched")).length).toBe(0)
  })

  test("of Microsoft is answered with its token, to anybody", async () => {
    await w.integrate("m", "microsoftclientcredentials", { custom: { webhookSecret: "x" } })
    const answer = await w.send("m", "", {}, "?validationToken=a%20b%26c")
    expect([answer.status, answer.text]).toEqual([200, "a b&c"])
  })

  test("of Notion reaches the owner, but starts nothing", async () => {
    await w.integrate("n", "notion", { custom: { webhookSecret: "set-before" } })
    await w.connect("n", "c", { connection_config: { workspace_id: "w" } })
    await w.listen({ hears: ["n", "*"] })
    const body = { verification_token: "secret_x", workspace_id: "w", type: "page.created" }
    expect((await w.send("n", body)).status).toBe(200)
    expect(await w.runs()).toEqual([])
    expect((await w.inbox())[0]).toMatchObject({ state: "unmatched" })
    expect((await w.send("n", { workspace_id: "w", type: "page.created" })).status).toBe(401)
  })

  test("Slack's forms carry JSON, and a submitted view is answered with nothing", async () => {
    await w.integrate("s", "slack", w.oauth())
    await w.connect("s", "c", { connection_config: { "team.id": "T1" } }, "OAUTH2")
    await w.listen({ hears: ["s", "view_submission", "block_actions"] })
    const form = { "content-type": "application/x-www-form-urlencoded" }
    for (const [type, text] of [
      ["view_submission", ""],
      ["block_actions", '{"status":"success"}'],
    ] as const) {
      const payload = { type, team: { id: "T1" } }
      const answer = await w.send("s", `payload=${encodeURIComponent(JSON.stringify(payload))}`, form)
      expect([answer.status, answer.text]).toEqual([200, text])
      expect((await w.runs()).at(-1)).toBe(`hears c ${JSON.stringify(payload)}`)
    }
    const command = await w.send("s", "command=%2Fdo&team_id=T1", form)
    expect([command.status, (await w.inbox())[0].connections]).toEqual([200, ["c"]])
  })
})

describe("who is meant", () => {
  test("every connection, when a provider does not say", async () => {
    await w.integrate("a", "affinity")
    for (const id of ["c1", "c2", "gone"]) await w.connect("a", id)
    await w.t.request("DELETE", "/connections/gone?provider_config_key=a")
    await w.listen({ hears: ["a", "list.created"] })
    await w.send("a", { type: "list.created" })
    expect(await w.runs()).toEqual(['hears c1 {"type":"list.created"}', 'hears c2 {"type":"list.created"}'])
  })

  test("those whose metadata is the value or a list that has it", async () => {
    await w.integrate("a", "airtable")
    await w.connect("a", "one", { metadata: { webhooks: "w1" } })
    await w.connect("a", "many", { metadata: { webhooks: ["w0", "w1"] } })
    await w.connect("a", "none", { metadata: { webhooks: { w1: true } } })
    await w.send("a", { webhook: { id: "w1" } })
    expect((await w.inbox())[0].connections).toEqual(["one", "many"])
  })

  test("one way after the other, until somebody is found", async () => {
    await w.integrate("g", "gmail")
    const hash = createHash("sha256").update("nango.emailAddressHash.v1:a@example.com").digest("hex")
    await w.connect("g", "hashed", { connection_config: { emailAddressHash: hash } })
    await w.connect("g", "named", { metadata: { emailAddress: "A@Example.com" } })
    await w.connect("g", "second", { metadata: { email: "b@example.com" } })
    const push = (emailAddress: string) => ({
      message: { data: Buffer.from(JSON.stringify({ emailAddress, historyId: 1 })).toString("base64") },
    })
    for (const [mail, expected] of [
      ["A@Example.com", ["hashed"]],
      ["b@example.com", ["second"]],
      ["x@example.com", []],
    ] as const) {
      expect((await w.send("g", push(mail))).status).toBe(200)
      expect((await w.inbox())[0].connections).toEqual(expected)
    }
    expect((await w.send("g", { message: { data: "bm8ganNvbg" } })).status).toBe(400)
  })

  test("each event of a batch its own, and those to be passed over nobody", async () => {
    await w.integrate("h", "hubspot", w.oauth())
    for (const id of [1, 2]) await w.connect("h", `c${id}`, { connection_config: { portalId: id } }, "OAUTH2")
    await w.listen({ all: ["h", "*"], some: ["h", "contact.deletion", "*"] })
    const event = (portalId: number, subscriptionType: string, more = {}) => ({ portalId, subscriptionType, ...more })
    const body = JSON.stringify([
      event(1, "contact.creation"),
      event(2, "contact.deletion"),
      event(3, "contact.deletion"),
      event(1, "contact.creation", { changeSource: "IMPORT" }),
    ])
    const headers = signWebhook(body, { scheme: "hubspot-v1", secret: "client-secret", timestamp: 0, id: "" })
    expect((await w.send("h", body, headers)).status).toBe(200)
    expect(await w.runs()).toEqual([
      `all c1 ${JSON.stringify(event(1, "contact.creation"))}`,
      `some c1 ${JSON.stringify(event(1, "contact.creation"))}`,
      `all c2 ${JSON.stringify(event(2, "contact.deletion"))}`,
      `some c2 ${JSON.stringify(event(2, "contact.deletion"))}`,
    ])
  })

  test("only connections that share the secret, where it is theirs", async () => {
    await w.integrate("g", "gitlab")
    await w.connect("g", "c", { metadata: { webhookSecret: "mine-only" } })
    const push = (token: string, id = "c") =>
      w.send("g", { x: 1 }, { "x-gitlab-event": "Push Hook", "x-gitlab-token": token }, `?nangoConnectionId=${id}`)
    expect((await push("mine-only")).status).toBe(200)
    expect((await push("other")).status).toBe(401)
    expect((await push("mine-only", "absent")).status).toBe(200)
    expect((await w.inbox()).map(({ state }) => state)).toEqual(["unmatched", "refused", "matched"])
  })

  test.each(["constructor", "__proto__", "toString"])(
    "a type or connection called %s is nobody in particular",
    async (name) => {
      await plain()
      expect((await w.send("k", `{"type":"${name}","connectionId":"${name}"}`)).status).toBe(200)
      expect(await w.runs()).toEqual([])
      expect((await w.inbox())[0]).toMatchObject({ state: "unmatched", types: [name] })
    },
  )
})

describe("a signed token", () => {
  test("of the issuer for this address is needed where one comes along; its keys are asked for once", async () => {
    const issuer = startIssuer()
    const folder = temporaryFolder("providers")
    writeFileSync(join(folder, "mail.yaml"), mailEntry(issuer.url))
    await w.t.close()
    w = await openIncoming({ providers: folder })
    await w.integrate("g", "mail")
    const aud = `http://localhost:3003/webhook/${w.t.ctx.environment.uuid}/g`
    const now = Math.floor(w.t.clock.now().getTime() / 1000)
    const claims = { iss: "https://accounts.google.com", aud, exp: now + 3600, iat: now }
    const send = async (token: string) => (await w.send("g", {}, { authorization: `Bearer ${token}` })).status
    expect(await send(issuer.token(claims))).toBe(200)
    const bad = [
      issuer.token({ ...claims, aud: `${aud}2` }),
      issuer.token({ ...claims, iss: "https://evil.example" }),
      issuer.token({ ...claims, exp: now - 301 }),
      issuer.token({ ...claims, exp: undefined }),
      issuer.token(claims, { kid: "other" }),
      issuer.token(claims, { alg: "none" }),
      issuer.token(claims, { alg: "HS256" }),
      `${issuer.token(claims).slice(0, -8)}AAAAAAAA`,
      issuer.token(claims).replace(/^[^.]+/, ""),
      "x",
      "..",
    ]
    for (const [n, token] of bad.entries()) expect([n, await send(token)]).toEqual([n, 401])
    expect((await w.send("g", {})).status).toBe(200)
    expect(issuer.asked()).toBe(1)
    await issuer.stop()
  })
})

const mailEntry = (url: string) => `display_name: Mail
docs: https://example.com
auth_mode: API_KEY
credentials:
  apiKey: {type: string, title: Key, description: Any.}
proxy:
  base_url: https://example.com
  headers: {authorization: "Bearer \${apiKey}"}
webhook:
  verify:
    - {kind: jwt, signature: header.authorization, issuers: [https://accounts.google.com], jwks_url: "${url}", require: present}
`

describe("forwarding", () => {
  beforeEach(() => webhooksOf(w.t).settings({ primary_url: receiver.url }))

  test("sends each connection's webhook wrapped, with the provider's own headers and ours", async () => {
    await plain()
    await w.t.start()
    const headers = {
      "x-event": "e1",
      authorization: "Bearer x",
      cookie: "a=b",
      "user-agent": "provider/1",
      "x-nango-signature": "forged",
      "webhook-id": "forged",
      "sec-x": "y",
    }
    await w.send("k", { ...good, z: 1, a: 2 }, headers)
    await webhooksOf(w.t).settled((row) => row.state === "delivered")
    const [made, one] = receiver.received
    expect(JSON.parse(made?.body ?? "")).toMatchObject({ type: "auth" })
    expect(one?.body).toBe(
      '{"connectionId":"c","from":"unauthenticated","payload":{"a":2,"connectionId":"c","type":"ping","z":1},"providerConfigKey":"k","type":"forward"}',
    )
    expect(one?.headers["x-event"]).toBe("e1")
    expect(one?.headers["user-agent"]).toStartWith("sluice/")
    expect(one?.headers["x-nango-signature"]).not.toBe("forged")
    expect(one?.id).not.toBe("forged")
    for (const name of ["authorization", "cookie", "sec-x"]) expect(one?.headers[name]).toBeUndefined()
  })

  test("sends what is about no connection as it is", async () => {
    await plain()
    await w.send("k", { connectionId: "absent", type: "ping" })
    expect(await forwarded()).toEqual([{ connectionId: "absent", type: "ping" }])
    const rows = await webhooksOf(w.t).deliveries()
    expect(rows.at(-1)).toMatchObject({ type: "forward", integration: "k", connection: null })
  })

  test("can be switched off for an integration, and a refused webhook is never forwarded", async () => {
    await plain({ forward_webhooks: false })
    await w.send("k", good)
    await w.integrate("l", "linear", { custom: { webhookSecret: "x" } })
    expect((await w.send("l", good)).status).toBe(401)
    expect(await forwarded()).toEqual([])
    expect(await w.runs()).toHaveLength(1)
  })
})

describe("the inbox", () => {
  test("keeps what came, and can take it in again once somebody is there", async () => {
    await plain()
    const body = '{ "connectionId":"late",  "type":"ping" }'
    await w.send("k", body, { "x-api-key": "very-secret", "x-event": "e" }, "?a=b&token=very-secret")
    const [row] = await w.inbox()
    expect(row).toMatchObject({ integration: "k", state: "unmatched", types: ["ping"], connections: [], replays: 0 })
    const shown = (await w.t.request("GET", `/sluice/webhooks/inbox/${row.id}`)).body.data
    expect(shown).toMatchObject({ body, query: { a: "b", token: "[redacted]" } })
    expect(shown.headers).toMatchObject({ "x-api-key": "[redacted]", "x-event": "e" })
    expect((await w.replay(row.id)).body.data).toMatchObject({ state: "unmatched", replays: 1 })
    await w.connect("k", "late", {}, "NONE")
    expect((await w.replay(row.id)).body.data).toMatchObject({ state: "matched", connections: ["late"], replays: 2 })
    expect(await w.runs()).toEqual([`hears late {"connectionId":"late","type":"ping"}`])
    for (const path of [`/sluice/webhooks/inbox/${row.id}`, `/sluice/webhooks/inbox/${crypto.randomUUID()}`]) {
      const key = path.includes(row.id) ? w.t.prodKey : w.t.key
      expect((await w.t.request("GET", path, { key })).status).toBe(404)
      expect((await w.t.request("POST", `${path}/replay`, { key })).status).toBe(404)
    }
  })

  test("checks a replayed signature with the time at which it came, and the secret as it is now", async () => {
    await w.integrate("p", "stripe-api-key", { custom: { webhookSecret: "wrong" } })
    const body = JSON.stringify({ type: "x" })
    const timestamp = Math.floor(w.t.clock.now().getTime() / 1000)
    await w.send("p", body, signWebhook(body, { scheme: "stripe", secret: "right", timestamp, id: "" }))
    const [row] = await w.inbox()
    expect(row).toMatchObject({ state: "refused", error: "webhook_invalid_signature" })
    w.t.clock.advance(day)
    expect((await w.replay(row.id)).body.data.state).toBe("refused")
    await w.t.request("PATCH", "/integrations/p", { body: { custom: { webhookSecret: "right" } } })
    expect((await w.replay(row.id)).body.data).toMatchObject({ state: "unmatched", error: null })
  })

  test("is listed newest first, filtered and paged", async () => {
    await plain()
    for (const connectionId of ["c", "x", "c"]) await w.send("k", { connectionId, type: "ping" })
    const all = await w.inbox()
    expect(all.map(({ state }) => state)).toEqual(["matched", "unmatched", "matched"])
    expect(await w.inbox("state=unmatched")).toEqual([all[1]])
    expect(await w.inbox("integration=other")).toEqual([])
    expect(await w.inbox(`before=${all[0].id}&limit=1`)).toEqual([all[1]])
    const page = (await w.t.request("GET", "/sluice/webhooks/inbox?limit=2")).body
    expect(page.next).toBe(all[1].id)
  })

  test("keeps the bytes whatever they are", async () => {
    await plain()
    const bytes = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])
    await w.send("k", bytes)
    const [row] = await w.inbox()
    const shown = (await w.t.request("GET", `/sluice/webhooks/inbox/${row.id}`)).body.data
    expect(shown.body_base64).toBe(Buffer.from(bytes).toString("base64"))
  })

  test("keeps a hundred refused ones for each integration, and no large ones", async () => {
    await w.integrate("l", "linear", { custom: { webhookSecret: "x" } })
    for (let n = 0; n < 105; n++) await w.send("l", { n })
    const rows = await w.inbox("limit=500")
    expect(rows).toHaveLength(100)
    const newest = (await w.t.request("GET", `/sluice/webhooks/inbox/${rows[0].id}`)).body.data
    expect(newest.body).toBe('{"n":104}')
    expect((await w.send("l", { text: "x".repeat(300_000) })).status).toBe(401)
    expect((await w.inbox("limit=1"))[0].id).toBe(rows[0].id)
  })

  test("lets go of what is older than the retention time", async () => {
    await plain()
    await w.send("k", good)
    w.t.clock.advance(30 * day)
    await w.send("k", good)
    await sweepInbox(w.t.app)
    expect(await w.inbox()).toHaveLength(2)
    w.t.clock.advance(1)
    await sweepInbox(w.t.app)
    expect(await w.inbox()).toHaveLength(1)
  })

  test("what could not be taken in is kept for a replay, and the provider is told to come again", async () => {
    await plain()
    const { webhookMatched } = w.t.app.moments
    w.t.app.moments.webhookMatched = () => Promise.reject(new Error("a secret reason"))
    const answer = await w.send("k", good)
    w.t.app.moments.webhookMatched = webhookMatched
    expect([answer.status, answer.text]).toEqual([500, '{"error":"internal_error"}'])
    const rows = await w.inbox()
    expect(rows).toMatchObject([{ state: "failed", error: "a secret reason" }])
    expect(await w.runs()).toEqual([])
    expect((await w.replay(rows[0].id)).body.data.state).toBe("matched")
    expect(await w.runs()).toHaveLength(1)
  })

  test("a function of a sync that a connection does not have is reported, and the others run", async () => {
    await plain()
    await w.t.app.store.tx((tx) => tx.db.run("UPDATE syncs SET deleted_at = 1"))
    expect((await w.send("k", good)).status).toBe(200)
    expect(await w.runs()).toEqual([])
    const logs = (await w.t.request("GET", "/sluice/logs?type=webhook&state=failed")).body.data
    expect(logs[0]).toMatchObject({ function: "hears", connection: "c", error: { type: "unknown_sync" } })
  })
})

describe("bad requests", () => {
  test.each([
    ["no JSON", "{", 400],
    ["JSON that nests without end", "[".repeat(100_000) + "]".repeat(100_000), 400],
    ["JSON that nests too deep", "[".repeat(600) + "]".repeat(600), 400],
    ["a text", '"x"', 200],
    ["null", "null", 200],
    ["nothing", "", 200],
    ["a list", "[1,2]", 200],
  ])("%s", async (_name, body, status) => {
    await plain()
    const answer = await w.send("k", body)
    expect(answer.status).toBe(status)
    expect(await w.runs()).toEqual([])
  })

  test("a body beyond the limit is refused before it is read to its end", async () => {
    await w.t.close()
    w = await openIncoming({ bodyLimitBytes: 2048 })
    await plain()
    expect((await w.send("k", { ...good, x: "x".repeat(3000) })).status).toBe(413)
    expect(await w.inbox()).toEqual([])
  })

  test("more than the limit are noted, and refused only where that was asked for", async () => {
    for (const webhookIngressEnforce of [false, true]) {
      await w.t.close()
      w = await openIncoming({ webhookIngressPerMinute: 2, webhookIngressEnforce })
      await plain()
      const answers = [await w.send("k", good), await w.send("k", good), await w.send("k", good)]
      expect(answers.map(({ status }) => status)).toEqual([200, 200, webhookIngressEnforce ? 429 : 200])
      expect(answers.map(({ headers }) => headers.get("x-ratelimit-remaining"))).toEqual(["1", "0", "0"])
      if (webhookIngressEnforce) {
        expect(answers[2]?.body).toEqual({ error: { code: "too_many_request" } })
        expect(Number(answers[2]?.headers.get("retry-after"))).toBeGreaterThanOrEqual(1)
      }
      expect(w.t.logged.some(({ msg }) => String(msg).includes("more webhooks than its limit"))).toBe(true)
      expect(await w.runs()).toHaveLength(webhookIngressEnforce ? 2 : 3)
    }
  })
})
