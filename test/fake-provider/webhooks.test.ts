import { afterAll, beforeAll, expect, test } from "bun:test"
import type { FakeProvider } from "../../src/fake-provider/server.ts"
import { startFakeProvider } from "../../src/fake-provider/server.ts"

const BODY = '{"text":"naïve – 1"}'
const SECRET = "It's a Secret"
const AT = 1_700_000_000

let fake: FakeProvider
let receiver: FakeProvider
beforeAll(async () => {
  receiver = await startFakeProvider()
  fake = await startFakeProvider({ send: (url, init) => fetch(url, init) })
})
afterAll(async () => {
  await fake.stop()
  await receiver.stop()
})

/** HMAC by WebCrypto: another implementation than the one under test. */
async function hmac(key: string | Uint8Array<ArrayBuffer>, text: string): Promise<Buffer> {
  const raw = typeof key === "string" ? new TextEncoder().encode(key) : key
  const made = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"])
  return Buffer.from(await crypto.subtle.sign("HMAC", made, new TextEncoder().encode(text)))
}

async function sha256(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toString("hex")
}

async function order(from: FakeProvider, body: unknown) {
  const response = await fetch(`${from.url}/__webhook`, { method: "POST", body: JSON.stringify(body) })
  return { status: response.status, body: (await response.json()) as { status?: number; error?: { code: string } } }
}

async function received(sign?: { scheme: string; secret?: string; timestamp?: number }) {
  receiver.clear()
  const url = `${receiver.url}/echo/hook`
  const sent = await order(fake, {
    url,
    body: BODY,
    headers: { "X-Event": "ping" },
    sign: sign && { secret: SECRET, ...sign },
  })
  expect(sent).toMatchObject({ status: 200, body: { status: 200 } })
  const [seen] = receiver.requests
  expect(seen).toMatchObject({ method: "POST", path: "/echo/hook", body: BODY })
  expect(seen?.headers).toMatchObject({ "x-event": "ping", "content-type": "application/json" })
  return seen?.headers ?? {}
}

const hex = async (text: string) => (await hmac(SECRET, text)).toString("hex")

test.each<[string, () => Promise<Record<string, string>>]>([
  ["github-sha256", async () => ({ "x-hub-signature-256": `sha256=${await hex(BODY)}` })],
  [
    "slack-v0",
    async () => ({
      "x-slack-request-timestamp": String(AT),
      "x-slack-signature": `v0=${await hex(`v0:${AT}:${BODY}`)}`,
    }),
  ],
  ["stripe", async () => ({ "stripe-signature": `t=${AT},v1=${await hex(`${AT}.${BODY}`)}` })],
  ["hubspot-v1", async () => ({ "x-hubspot-signature": await sha256(SECRET + BODY) })],
  ["shopify-hmac-base64", async () => ({ "x-shopify-hmac-sha256": (await hmac(SECRET, BODY)).toString("base64") })],
  ["linear", async () => ({ "linear-signature": await hex(BODY) })],
  [
    "standard-webhooks",
    async () => ({
      "webhook-id": "msg_1",
      "webhook-signature": `v1,${(await hmac(SECRET, `msg_1.${AT}.${BODY}`)).toString("base64")}`,
    }),
  ],
])("a webhook signed as %s arrives with the right signature", async (scheme, expected) => {
  expect(await received({ scheme, timestamp: AT })).toMatchObject(await expected())
})

test("the published examples of GitHub and Standard Webhooks come out", async () => {
  const url = `${receiver.url}/echo`
  const send = (body: string, sign: object) => order(fake, { url, body, sign })
  const github = await send("Hello, World!", { scheme: "github-sha256", secret: "It's a Secret to Everybody" })
  expect(github.body).toMatchObject({
    headers: { "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" },
  })
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  const sign = { scheme: "standard-webhooks", secret, timestamp: 1_614_265_330, id: "msg_p5jXN8AQM9LWM0D4loKWxJek" }
  expect((await send('{"test": 2432232314}', sign)).body).toMatchObject({
    headers: { "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" },
  })
})

test("without a timestamp the present one is signed, and without sign nothing is", async () => {
  const before = Math.floor(Date.now() / 1000)
  const at = Number((await received({ scheme: "slack-v0" }))["x-slack-request-timestamp"])
  expect(at).toBeGreaterThanOrEqual(before)
  expect(at).toBeLessThanOrEqual(Date.now() / 1000)
  expect(Object.keys(await received()).filter((name) => name.includes("signature"))).toEqual([])
})

test("what cannot be sent is told", async () => {
  expect((await order(receiver, { url: "http://127.0.0.1:1/", body: {} })).body.error?.code).toBe("no_sender")
  const closed = await startFakeProvider()
  await closed.stop()
  const failed = await order(fake, { url: closed.url, body: {} })
  expect([failed.status, failed.body.error?.code]).toEqual([502, "webhook_failed"])
  expect((await order(fake, { url: "file:///etc/passwd", body: {} })).status).toBe(400)
  expect((await order(fake, { url: closed.url, body: {}, sign: { scheme: "none", secret: "" } })).status).toBe(400)
})
