import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test"
import { inTransaction } from "../../src/app/context.ts"
import { changeMetadata, findConnection } from "../../src/connections/connections.ts"
import { saveVariables } from "../../src/environments/environments.ts"
import type { Channel } from "../../src/runner/guest/channel.ts"
import { createConnectionCalls } from "../../src/runner/guest/connection.ts"
import { releaseLocks } from "../../src/runner/host.ts"
import { valueOf } from "./requests.ts"
import { entry, openStage, type Stage } from "./stage.ts"

let stage: Stage
beforeAll(async () => {
  stage = await openStage({ plain: entry(), other: entry() })
})
afterAll(() => stage.close())

/** What the API does when a client changes metadata. */
async function setFromOutside(metadata: Record<string, unknown>): Promise<void> {
  const found = await findConnection(stage.ctx, { connectionId: "c1", providerConfigKey: "plain" })
  if (found) await inTransaction(stage.ctx, (ctx) => changeMetadata(ctx, found.connection, { metadata, merge: false }))
}

describe("getConnection", () => {
  test("its shape, with the credentials of an API key", async () => {
    const { outcome } = await stage.run(`const c = await nango.getConnection(); return [Object.keys(c), c]`)
    const [names, connection] = valueOf(outcome)
    for (const name of [
      "id",
      "connection_id",
      "provider_config_key",
      "provider",
      "credentials",
      "connection_config",
      "metadata",
      "tags",
      "created_at",
      "updated_at",
      "errors",
      "end_user",
    ])
      expect(names).toContain(name)
    expect(connection).toMatchObject({
      connection_id: "c1",
      provider_config_key: "plain",
      provider: "plain",
      credentials: { type: "API_KEY", apiKey: "key-of-the-connection" },
      connection_config: { sub: "acme" },
      metadata: { team: "m1" },
    })
  })

  test("is kept for a run's minute, also against changes by the API; forceRefresh reads it anew", async () => {
    await setFromOutside({ n: 1 })
    const { outcome } = await stage.run(
      `const n = async (options) => (await nango.getConnection(undefined, undefined, options)).metadata.n
      const first = await n(); await nango.log("now"); return [first, await n(), (await nango.getMetadata()).n, await n({ forceRefresh: true }), await n()]`,
      { onCall: (call) => (call === "log.write" ? setFromOutside({ n: 2 }) : undefined), input: {} },
    )
    // The level of this environment is warn, so that the log line above would not reach the daemon.
    expect(valueOf(outcome)).toEqual([1, 1, 1, 1, 1])
  })

  test("one that does not exist is an HTTP error of the API", async () => {
    const { outcome } = await stage.run(
      `try { await nango.getConnection("plain", "nobody") } catch (e) { return [e.response.status, e.response.data.error.code, e.isAxiosError] }`,
    )
    expect(valueOf(outcome)).toEqual([404, "not_found", true])
    const unknown = await stage.run(
      `try { await nango.getConnection("nothing", "c1") } catch (e) { return [e.response.status, e.response.data.error.code] }`,
    )
    expect(valueOf(unknown.outcome)).toEqual([400, "unknown_provider_config"])
  })
})

describe("the cache of connections", () => {
  test("60 seconds by the clock, for each pair of names, emptied by writes that fail too", async () => {
    let asked = 0
    const channel: Channel = {
      check: () => undefined,
      receive: () => undefined,
      cancel: () => undefined,
      call: async (name) => {
        if (name === "metadata.set") throw new Error("not stored")
        return { output: { n: ++asked, metadata: null }, body: undefined }
      },
    }
    const calls = createConnectionCalls(channel) as Record<string, (...args: unknown[]) => Promise<any>>
    const n = async (...args: unknown[]): Promise<number> => (await calls.getConnection?.(...args))?.n
    const start = Date.parse("2026-01-01T00:00:00Z")
    try {
      setSystemTime(start)
      expect([await n(), await n(), await n("p", "c"), await n("p", "c")]).toEqual([1, 1, 2, 2])
      setSystemTime(start + 59_999)
      expect(await n()).toBe(1)
      setSystemTime(start + 60_000)
      expect(await n()).toBe(3)
      expect([await n("p", "c", { refreshToken: true }), await n("p", "c")]).toEqual([4, 4])
      await calls.setMetadata?.({ a: 1 }).catch(() => undefined)
      expect(await n()).toBe(5)
      expect([await calls.getMetadata?.(), await calls.getFieldMapping?.()]).toEqual([{}, {}])
    } finally {
      setSystemTime()
    }
  })

  const tokens: [credentials: unknown, token: unknown][] = [
    [{ type: "OAUTH2", access_token: "t", raw: {} }, "t"],
    [
      { type: "OAUTH1", oauth_token: "a", oauth_token_secret: "b" },
      { oAuthToken: "a", oAuthTokenSecret: "b" },
    ],
    [
      { type: "OAUTH2_CC", token: "t" },
      { type: "OAUTH2_CC", token: "t" },
    ],
    [
      { type: "APP", access_token: "t" },
      { type: "APP", access_token: "t" },
    ],
    [
      { type: "API_KEY", apiKey: "k" },
      { type: "API_KEY", apiKey: "k" },
    ],
    [{}, {}],
    [undefined, undefined],
  ]
  test.each(tokens)("the token of %j", async (credentials, token) => {
    const channel = { check: () => undefined, call: async () => ({ output: { credentials } }) } as unknown as Channel
    expect(await (createConnectionCalls(channel).getToken as () => Promise<unknown>)()).toEqual(token)
  })
})

describe("metadata", () => {
  test("set replaces, update merges at the top level; both answer as the API does", async () => {
    const { outcome } =
      await stage.run(`const a = await nango.setMetadata({ keep: { deep: 1 }, drop: 1 }); const b = await nango.updateMetadata({ keep: { other: 2 }, more: null })
      const all = await nango.getMetadata(); const c = await nango.setMetadata({}); return [[a.status, a.data], [b.status, b.data], all, await nango.getMetadata()]`)
    const names = { connection_id: "c1", provider_config_key: "plain" }
    expect(valueOf(outcome)).toEqual([
      [201, { ...names, metadata: { keep: { deep: 1 }, drop: 1 } }],
      [200, { ...names, metadata: { keep: { other: 2 }, more: null } }],
      { keep: { other: 2 }, drop: 1, more: null },
      {},
    ])
  })

  test("field mappings are metadata", async () => {
    const { outcome } = await stage.run(
      `await nango.setFieldMapping({ fieldMapping: { a: "b" } }); return [await nango.getFieldMapping(), await nango.getMetadata()]`,
    )
    expect(valueOf(outcome)).toEqual([{ a: "b" }, { fieldMapping: { a: "b" } }])
  })
})

describe("getIntegration", () => {
  test("as the API shows it, with what is asked to be included; kept for ten minutes", async () => {
    const { outcome, messages } =
      await stage.run(`const i = await nango.getIntegration(); const w = await nango.getIntegration({ include: ["webhook", "credentials"] }); const again = await nango.getIntegration()
      return [i, Object.keys(w), w.webhook_url, w.credentials, await nango.getWebhookURL(), i === again]`)
    const [integration, names, url, credentials, own, same] = valueOf(outcome)
    const base = {
      unique_key: "plain",
      provider: "plain",
      display_name: "Test",
      forward_webhooks: expect.any(Boolean),
      logo: expect.stringContaining("/plain.svg"),
    }
    expect(integration).toEqual({
      ...base,
      created_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
    })
    expect(names).toEqual([...Object.keys(integration), "webhook_url", "credentials"])
    expect([url, credentials, own, same]).toEqual([null, null, null, true])
    expect(messages).toEqual([])
  })
})

describe("environment", () => {
  test("variables, and the level of the logger that one of them sets", async () => {
    const none = await stage.run(
      `await nango.log("quiet"); await nango.log("loud", { level: "warn" }); return await nango.getEnvironmentVariables()`,
    )
    expect(valueOf(none.outcome)).toEqual([])
    expect(none.messages.map(({ message }) => message)).toEqual(["loud"])
    await saveVariables(stage.ctx, [
      { name: "NANGO_LOGGER_LEVEL", value: "debug" },
      { name: "REGION", value: "eu" },
    ])
    const some = await stage.run(
      `await nango.log("quiet", { level: "debug" }); return await nango.getEnvironmentVariables()`,
    )
    expect(valueOf(some.outcome)).toEqual([
      { name: "NANGO_LOGGER_LEVEL", value: "debug" },
      { name: "REGION", value: "eu" },
    ])
    expect(some.messages.map(({ message }) => message)).toEqual(["quiet"])
    await saveVariables(stage.ctx, [{ name: "NANGO_LOGGER_LEVEL", value: "nonsense" }])
    expect((await stage.run(`await nango.log("quiet")`)).messages).toEqual([])
    await saveVariables(stage.ctx, [])
  })
})

describe("locks", () => {
  test("one owner at a time; one's own is renewed; an expired one can be taken; released with the run", async () => {
    const take = (ms: number) => `await nango.tryAcquireLock({ key: "k", ttlMs: ${ms} })`
    const first = await stage.run(`return [${take(60_000)}, ${take(60_000)}]`)
    expect(valueOf(first.outcome)).toEqual([true, true])
    const second = await stage.run(
      `return [${take(1000)}, await nango.releaseLock({ key: "k" }), await nango.tryAcquireLock({ key: "other", ttlMs: 1 })]`,
    )
    expect(valueOf(second.outcome)).toEqual([false, false, true])
    stage.clock.now += 60_000
    const third = await stage.run(
      `return [${take(1000)}, await nango.releaseLock({ key: "k" }), await nango.releaseLock({ key: "k" }), ${take(60_000)}]`,
    )
    expect(valueOf(third.outcome)).toEqual([true, true, false, true])
    await releaseLocks(third.run)
    const fourth = await stage.run(`const got = ${take(1000)}; await nango.releaseAllLocks(); return got`)
    expect(valueOf(fourth.outcome)).toBe(true)
    expect(valueOf((await stage.run(`return ${take(1)}`)).outcome)).toBe(true)
  })

  const limits: [key: string, ttl: string, ok: boolean][] = [
    [`"k".repeat(255)`, "1", true],
    [`"k".repeat(256)`, "1", false],
    [`""`, "1", false],
    [`"z"`, "0", false],
    [`"z"`, "-1", false],
    [`"z"`, "0.5", true],
  ]
  test.each(limits)("a lock with the key %s for %s ms: %p", async (key, ttl, ok) => {
    const { outcome } = await stage.run(
      `try { return await nango.tryAcquireLock({ key: ${key}, ttlMs: ${ttl} }) } catch (e) { return e.message.startsWith("nango.tryAcquireLock: ") ? false : e.message }`,
    )
    expect(valueOf(outcome)).toBe(ok)
  })
})
