import { describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { hiddenNames } from "../../src/runner/guest/facade.ts"
import { shortcuts, testRunner } from "./harness.ts"
import { facts, valueOf } from "./requests.ts"
import type { Answers } from "./requests.ts"

const runner = testRunner({ warm: 2 })
const { run, runSync } = shortcuts(runner)

describe("the facade", () => {
  test("hidden names throw on reading and writing, are not in it and are not listed", async () => {
    const names = JSON.stringify([...hiddenNames])
    const { outcome } = await run(`const bad = []
      for (const name of ${names}) {
        for (const use of [() => nango[name], () => { nango[name] = 1 }, () => Object.defineProperty(nango, name, { value: 1 }), () => delete nango[name]]) {
          try { use(); bad.push(name) } catch (e) { if (e.message !== 'Access to "' + name + '" is not allowed.') bad.push([name, e.message]) }
        }
        if (name in nango || Object.keys(nango).includes(name) || Reflect.has(nango, name) || Object.getOwnPropertyDescriptor(nango, name)) bad.push(name)
      }
      return bad`)
    expect(valueOf(outcome)).toEqual([])
  })

  test("no prototype, and none can be given", async () => {
    const { outcome } =
      await run(`const tries = [Object.getPrototypeOf(nango) === null, Reflect.setPrototypeOf(nango, {}), nango instanceof Object]
      try { Object.setPrototypeOf(nango, { a: 1 }); tries.push("set") } catch (e) { tries.push(e.name) }
      nango.own = 5; const { get, log } = nango
      return [...tries, nango.own, "uncontrolledFetch" in nango, "fixtureProvider" in nango, "batchSave" in nango, typeof get, typeof nango.toString]`)
    expect(valueOf(outcome)).toEqual([true, false, false, "TypeError", 5, true, false, false, "function", "undefined"])
  })

  test("properties", async () => {
    const names = [
      "connectionId",
      "providerConfigKey",
      "provider",
      "environmentId",
      "environmentName",
      "activityLogId",
      "syncId",
      "syncJobId",
      "nangoConnectionId",
      "scriptType",
      "isCLI",
    ]
    const { outcome } = await run(`return ${JSON.stringify(names)}.map((name) => nango[name])`)
    expect(valueOf(outcome)).toEqual(["c1", "github", "github", 1, "dev", "op1", "s1", 3, 7, "action", false])
    const { report } = await runSync(
      `REPORT({ a: [nango.variant, nango.lastSyncDate instanceof Date, nango.lastSyncDate.toISOString(), nango.track_deletes, nango.emptyCache, nango.scriptType].join() })`,
      {},
      { facts: { ...facts, variant: "v", lastSyncDate: "2024-01-02T03:04:05.000Z", trackDeletes: true } },
    )
    expect(report.a).toBe("v,true,2024-01-02T03:04:05.000Z,true,false,sync")
  })

  test("zodValidateInput", async () => {
    const { outcome, seen } = await run(`const schema = z.object({ a: z.object({ b: z.number() }), d: z.date() })
      const good = await nango.zodValidateInput({ zodSchema: schema, input: { a: { b: 1 }, d: new Date(0) } })
      try { await nango.zodValidateInput({ zodSchema: schema, input: { a: { b: "x" }, d: new Date(0) } }) } catch (e) { return [good.success, good.data.a, e instanceof ActionError, e.payload] }`)
    expect(valueOf(outcome)).toEqual([true, { b: 1 }, true, { message: "Invalid input provided" }])
    expect(seen).toMatchObject([{ call: "log.write", input: { level: "error" } }])
    expect(seen[0]?.input.message).toContain("a.b")
  })

  test("connections: cache, fresh on demand, dropped by metadata writes; token by type", async () => {
    let asked = 0
    const answers: Answers = {
      "connection.get": ({ connectionId }) => ({
        output: {
          n: ++asked,
          metadata: { n: asked, fieldMapping: { f: 1 } },
          credentials: connectionId ? {} : { type: "OAUTH2", access_token: "t" },
        },
      }),
      "metadata.set": () => ({ output: { ok: 1 } }),
    }
    const { outcome, seen } = await run(
      `const out = []; const n = async (...a) => out.push((await nango.getConnection(...a)).n)
      await n(); await n(); await Promise.all([n("p", "c"), n("p", "c")]); await n(undefined, undefined, { forceRefresh: true }); await n()
      out.push((await nango.setMetadata({ a: 1 })).data, (await nango.getMetadata()).n, await nango.getFieldMapping(), await nango.getToken())
      return out`,
      answers,
    )
    expect(valueOf(outcome)).toEqual([1, 1, 2, 2, 3, 3, { ok: 1 }, 4, { f: 1 }, "t"])
    expect(seen.map(({ input }) => input)).toEqual([
      {},
      { providerConfigKey: "p", connectionId: "c" },
      { forceRefresh: true },
      { metadata: { a: 1 } },
      {},
    ])
  })

  test("triggerAction in both shapes, triggerSync and startSync", async () => {
    const { outcome, seen } = await run(
      `return [await nango.triggerAction("p", "c", "name", { a: 1 }), await nango.triggerAction("name", { a: 2 }), await nango.triggerAction("name"),
        await nango.triggerSync("p", "c", "s", "full_refresh_and_clear_cache"), await nango.triggerSync("p", "c", { name: "s", variant: "v" }, { reset: true }), await nango.startSync("p", ["s"], "c")]`,
      { "action.trigger": ({ input }) => ({ body: input }) },
    )
    expect(valueOf(outcome)).toEqual([{ a: 1 }, { a: 2 }, null, null, null, null])
    expect(seen.map(({ input }) => input)).toEqual([
      { providerConfigKey: "p", connectionId: "c", actionName: "name", input: '{"a":1}' },
      { providerConfigKey: "github", connectionId: "c1", actionName: "name", input: '{"a":2}' },
      { providerConfigKey: "github", connectionId: "c1", actionName: "name" },
      { providerConfigKey: "p", connectionId: "c", sync: "s", reset: true, emptyCache: true },
      { providerConfigKey: "p", connectionId: "c", sync: { name: "s", variant: "v" }, reset: true },
      { providerConfigKey: "p", connectionId: "c", syncs: ["s"] },
    ])
  })

  test("modules and globals do what functions use them for", async () => {
    const { outcome } =
      await run(`const crypto = require("crypto"), node = require("node:crypto").default, url = require("node:url"), all = require("zod")
      const t = await new Promise((r) => { const id = setTimeout(() => r("no"), 50); clearTimeout(id); setTimeout(r, 1, "yes") })
      const abort = new AbortController(); let told = 0; abort.signal.addEventListener("abort", () => told++); abort.abort()
      const key = Buffer.alloc(32, 1), c = crypto.createCipheriv("aes-256-gcm", key, Buffer.alloc(12)); const ct = Buffer.concat([c.update("x", "utf8"), c.final()])
      const d = crypto.createDecipheriv("aes-256-gcm", key, Buffer.alloc(12)).setAuthTag(c.getAuthTag())
      const digest = await globalThis.crypto.subtle.digest("SHA-256", new TextEncoder().encode("a"))
      return [crypto.createHash("sha256").update("a").digest("hex").slice(0, 8), Buffer.from(digest).toString("hex").slice(0, 8), node.createHmac("sha1", "k").update("a").digest("base64"), crypto.randomUUID().length,
        d.update(ct, undefined, "utf8") + d.final("utf8"), new url.URL("http://a/?b=1").searchParams.get("b"), url.parse("http://h/p").pathname,
        t, told, abort.signal.aborted, atob(btoa("hi")), structuredClone({ a: [1] }), Buffer.concat([Buffer.from("a"), new Uint8Array([98])]).toString(),
        typeof all.z.object, typeof all.default.string, all.object === all.z.object, console.log("x") === undefined, new Date() instanceof Date, z.date().safeParse(new Date()).success, z.instanceof(Uint8Array).safeParse(Buffer.from("")).success]`)
    expect(valueOf(outcome)).toEqual([
      "ca978112",
      "ca978112",
      createHmac("sha1", "k").update("a").digest("base64"),
      36,
      "x",
      "1",
      "/p",
      "yes",
      1,
      true,
      "hi",
      { a: [1] },
      "ab",
      "function",
      "function",
      true,
      true,
      true,
      true,
      true,
    ])
  })

  test("the rest of the calls", async () => {
    const { outcome, seen } = await run(
      `const out = [await nango.getCheckpoint(), await nango.saveCheckpoint({ a: 1, d: new Date(0) }), await nango.clearCheckpoint(), await nango.tryAcquireLock({ key: "k", ttlMs: 5 }), await nango.releaseLock({ key: "k" }), await nango.releaseAllLocks(),
        await nango.getEnvironmentVariables(), (await nango.getIntegration({ include: ["webhook"] })).webhook_url, await nango.getWebhookURL()]
      try { await nango.saveCheckpoint([1]) } catch (e) { out.push(e.message) }
      try { nango.getFlowAttributes() } catch (e) { out.push(e.message) }
      return out`,
      {
        "lock.acquire": () => true,
        "variables.get": () => ({ output: [{ name: "A", value: "b" }] }),
        "integration.get": () => ({ output: { webhook_url: "u" } }),
      },
      { facts: { ...facts, syncJobId: undefined } },
    )
    expect(valueOf(outcome)).toEqual([
      null,
      null,
      null,
      true,
      false,
      null,
      [{ name: "A", value: "b" }],
      "u",
      "u",
      "nango.saveCheckpoint: Error saving checkpoint: it must be an object",
      "There is no sync job to read the attributes of",
    ])
    expect(seen.filter(({ call }) => call === "integration.get")).toHaveLength(1)
    expect(seen.find(({ call }) => call === "checkpoint.save")?.input).toEqual({
      checkpoint: { a: 1, d: "1970-01-01T00:00:00.000Z" },
    })
  })
})
