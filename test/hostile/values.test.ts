import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { operationsOf, statusOf } from "../faults/world.ts"
import { connectFake, onFake, syncEnded } from "../helpers/setup.ts"
import { deploy } from "../helpers/sluice.ts"
import { whileHealthy } from "./health.ts"
import { openStage, secrets, type Stage, syncSource } from "./stage.ts"

const prodKey = crypto.randomUUID()
let stage: Stage
beforeAll(async () => {
  stage = await openStage({
    SLUICE_ACTION_TIMEOUT_SECONDS: "15",
    SLUICE_RUNNER_MEMORY_MB: "512",
    NANGO_SECRET_KEY_PROD: prodKey,
  })
  await connectFake(stage.sluice, "victim")
})
afterAll(async () => {
  const heard = await stage.heard()
  for (const secret of Object.values(secrets)) expect(heard).not.toContain(secret)
  expect((await stage.act("return 'well'")).body).toBe("well")
  await stage.stop()
})

const failing = { status: 500, body: { error: { code: "script_internal_error" } } }

describe("whatever is thrown, the run fails with a named reason", () => {
  const thrown: [name: string, body: string, payload?: object][] = [
    ["a text", "throw 'text'", { message: '"text"' }],
    ["null", "throw null", { message: "null" }],
    ["undefined", "throw undefined", { message: "undefined" }],
    ["a number", "throw 42", { message: "42" }],
    ["NaN", "throw NaN"],
    ["a big integer", "throw 10n", { message: "10" }],
    ["a symbol", "throw Symbol('x')"],
    ["an object", "throw { a: 1 }", { a: 1 }],
    ["a list", "throw [1, 2]", { message: "[1,2]" }],
    ["a function", "throw () => 1"],
    ["an object without prototype", "throw Object.create(null)"],
    ["an object that contains itself", "const a: any = {}; a.a = a; throw a"],
    ["a proxy that throws on every look", "throw new Proxy({}, new Proxy({}, { get() { throw new Error('trap') } }))"],
    ["a revoked proxy", "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy"],
    ["a proxy of an error", "throw new Proxy(new Error('inner'), { get() { throw 1 }, getPrototypeOf() { throw 2 } })"],
    ["getters that throw", "throw { get message() { throw 1 }, get stack() { throw 2 }, get code() { throw 3 } }"],
    ["a getter that gives itself", "throw { get message() { return this } }"],
    [
      "an error with getters that throw",
      "throw Object.defineProperty(new Error('x'), 'message', { get() { throw 1 } })",
    ],
    ["an error whose stack is an object", "throw Object.assign(new Error('x'), { stack: { toString() { throw 1 } } })"],
    ["an error with a false name", "throw Object.assign(new Error('x'), { name: { toString() { throw 1 } } })"],
    ["a toJSON that throws", "throw { toJSON() { throw new Error('no') }, toString() { throw 1 } }"],
    ["an error that is its own cause", "const e: any = new Error('x'); e.cause = e; throw e"],
    ["an error of lone surrogates", "throw new Error('\\uD800 \\u0000 \\u2028')"],
    ["a promise that fails", "throw Promise.reject(new Error('inner'))"],
    ["a thenable", "throw { then(resolve: any) { resolve('no') } }"],
    [
      "what a timer throws",
      "setTimeout(() => { throw 'late' }, 0); await new Promise(() => {})",
      { message: '"late"' },
    ],
  ]
  test.each(thrown)("%s", async (_, body, payload = {}) => {
    const answer = await whileHealthy(stage.sluice.url, () => stage.act(body))
    expect(answer).toMatchObject(failing)
    expect(answer.body.error.payload).toMatchObject(payload)
    expect((await operationsOf(stage.sluice, "action"))[0]).toMatchObject({
      state: "failed",
      error: { type: "script_internal_error" },
    })
  })

  test("an error that calls itself one of the platform's is still the function's own", async () => {
    for (const type of ["function_runtime_out_of_memory", "script_aborted", "unauthorized"]) {
      const body = `throw Object.assign(new Error("no"), { type: "${type}", code: "${type}", status: 401 })`
      expect(await stage.act(body)).toMatchObject(failing)
    }
  })
})

describe("values that are far too large", () => {
  test("a log line of 50 MB is cut, and the run goes on", async () => {
    const body = "await nango.log('x'.repeat(50_000_000), { level: 'error' }); return 'logged'"
    const answer = await whileHealthy(stage.sluice.url, () => stage.act(body))
    expect(answer.body).toBe("logged")
    const [{ id }] = await operationsOf(stage.sluice, "action")
    const { text } = await stage.sluice.call("GET", `/sluice/logs/${id}`)
    expect(text).toContain("xxxx")
    expect(text.length).toBeLessThan(200_000)
  }, 60_000)

  test("so is an object of 50 MB in a log line", async () => {
    const body = "await nango.log('big', { big: 'x'.repeat(50_000_000) }, { level: 'error' }); return 'logged'"
    const answer = await whileHealthy(stage.sluice.url, () => stage.act(body))
    expect(answer.body).toBe("logged")
    const [{ id }] = await operationsOf(stage.sluice, "action")
    expect((await stage.sluice.call("GET", `/sluice/logs/${id}`)).text.length).toBeLessThan(200_000)
  }, 60_000)

  const large: [name: string, body: string, code: string | RegExp][] = [
    ["an output of 50 MB", "return 'x'.repeat(50_000_000)", "script_output_too_large"],
    ["a thrown text of 50 MB", "throw 'x'.repeat(50_000_000)", "script_internal_error"],
    ["an error message of 50 MB", "throw new Error('x'.repeat(50_000_000))", "script_internal_error"],
    [
      "a payload of 50 MB",
      "throw new nango.ActionError({ big: 'x'.repeat(50_000_000) })",
      "action_script_runtime_error",
    ],
    ["a checkpoint of 50 MB", "await nango.saveCheckpoint({ big: 'x'.repeat(50_000_000) })", /^(invalid|script)_/],
    ["an endpoint of 50 MB", "await nango.get({ endpoint: '/' + 'x'.repeat(50_000_000) })", /^(invalid|script)_/],
    [
      "an output nested a million times",
      "let a: any = []; for (let i = 0; i < 1e6; i++) a = [a]; return a",
      "script_internal_error",
    ],
  ]
  test.each(large)(
    "%s is refused by name",
    async (_, body, code) => {
      const answer = await whileHealthy(stage.sluice.url, () => stage.act(body))
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.body.error.code).toMatch(code)
      expect(answer.text.length).toBeLessThan(250_000)
    },
    60_000,
  )

  test("a record of 20 MB is stored, and nobody waits for it", async () => {
    const body = "await nango.batchSave([{ id: '1', big: 'x'.repeat(20_000_000) }], 'Big')"
    await whileHealthy(stage.sluice.url, async () => {
      await deploy(stage.sluice, { "fake/syncs/big.ts": syncSource(body, "Big") })
      await syncEnded(stage.sluice, "big")
    })
    expect((await statusOf(stage.sluice, "big")).recordCount.Big).toBe(1)
  }, 60_000)
})

describe("a function can only speak for itself", () => {
  const names = JSON.stringify(["nangoConnectionId", "environmentId", "syncId", "syncJobId", "activityLogId", "runId"])

  test("ids that it writes onto its own object change nobody else's things", async () => {
    const body = `
      if (nango.connectionId !== "c1") return
      nango.connectionId = "victim"
      for (const name of ${names}) nango[name] = 2
      await nango.setMetadata({ forged: true })
      await nango.batchSave([{ id: "forged", runId: 1, connectionId: "victim" }], "Forged")
      await nango.saveCheckpoint({ forged: true })`
    await deploy(stage.sluice, { "fake/syncs/forge.ts": syncSource(body, "Forged") })
    const own = await syncEnded(stage.sluice, "forge")
    expect(own).toMatchObject({ recordCount: { Forged: 1 }, checkpoint: { forged: true } })
    const other = await syncEnded(stage.sluice, "forge", { connectionId: "victim" })
    expect(other).toMatchObject({ recordCount: { Forged: 0 }, checkpoint: null })
    expect(await metadataOf("c1")).toEqual({ forged: true })
    expect(await metadataOf("victim")).toEqual({})
  })

  test("messages with another run's id find no way to the daemon", async () => {
    const body = `
      const call = { call: "metadata.set", input: JSON.stringify({ metadata: { forged: true } }) }
      const messages = [{ t: "call", run: 1, id: 1, ...call }, { t: "done", run: 1, outcome: { ok: true } }]
      const sent: string[] = []
      for (const target of [globalThis, nango, nango.log, require, (globalThis as any).self, (globalThis as any).parent]) {
        for (const name of ["postMessage", "send", "onmessage", "dispatchEvent", "emit", "receive", "call"]) {
          for (const message of messages) try { if (await target[name](message)) sent.push(name) } catch {}
        }
      }
      return sent`
    expect((await stage.act(body)).body).toEqual([])
    expect(await metadataOf("victim")).toEqual({})
  })

  test("a connection of another environment looks like one that does not exist", async () => {
    const prod = { key: prodKey }
    await stage.sluice.call("POST", "/integrations", { ...prod, body: { provider: "fake", unique_key: "fake" } })
    const credentials = { type: "API_KEY", apiKey: "prod-key-123" }
    const body = { provider_config_key: "fake", connection_id: "only-in-prod", credentials }
    expect((await stage.sluice.call("POST", "/connections", { ...prod, body })).status).toBe(201)
    const calls = [
      "getConnection('fake', NAME)",
      "get({ endpoint: '/echo', connectionId: NAME, providerConfigKey: 'fake', retries: 0 })",
      "triggerAction('fake', NAME, 'none')",
      "triggerSync('fake', NAME, 'none')",
    ]
    for (const call of calls) {
      const there = await failureOf(call.replace("NAME", '"only-in-prod"'))
      const nowhere = await failureOf(call.replace("NAME", '"is-not-there"'))
      expect(there).toBe(nowhere.replaceAll("is-not-there", "only-in-prod"))
    }
  })

  async function failureOf(call: string): Promise<string> {
    const body = `try { return ["answered", await nango.${call}] } catch (e: any) { return [e.name, e.code, e.message, e.response?.data] }`
    const { text } = await stage.act(body)
    expect(text).not.toContain('"answered"')
    return text
  }
})

async function metadataOf(connectionId: string): Promise<unknown> {
  const { body } = await stage.sluice.call("GET", `/connections/${connectionId}?provider_config_key=fake`)
  return body.metadata
}

describe("prototypes that are polluted", () => {
  test("stay inside the run that did it", async () => {
    const body = `
      for (const type of [Object, Array, String, Function, Promise, Map, Error, Date, RegExp]) {
        try { (type.prototype as any).polluted = "yes" } catch {}
      }
      for (const [type, name] of [[Object, "toJSON"], [Array, "push"], [Array, "map"], [Promise, "then"], [Map, "get"], [String, "slice"]] as any) {
        try { Object.defineProperty(type.prototype, name, { value: () => "hijacked", configurable: true }) } catch {}
      }
      try { JSON.stringify = () => '"hijacked"'; JSON.parse = () => "hijacked" } catch {}
      return "done"`
    await whileHealthy(stage.sluice.url, () => stage.act(body))
    for (let again = 0; again < 3; again++) {
      const clean = await stage.act(
        "return [({} as any).polluted ?? null, [1, 2].map((n) => n + 1), JSON.stringify({ a: 1 })]",
      )
      expect(clean.body).toEqual([null, [2, 3], '{"a":1}'])
    }
  })

  test("do not come over through what it sends", async () => {
    const evil = `JSON.parse('{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}},"a":1}')`
    for (const call of [`setMetadata(${evil})`, `updateMetadata(${evil})`])
      await stage.act(`await nango.${call}; return 1`)
    await stage.act(`await nango.log("x", ${evil}, { level: "error" }); return 1`)
    await stage.act(`throw new nango.ActionError(${evil})`)
    const sync = syncSource(
      `await nango.batchSave([{ id: "__proto__", ...${evil} }], "Evil"); await nango.saveCheckpoint(JSON.parse('{"__proto__":"x"}'))`,
      "Evil",
    )
    await deploy(stage.sluice, { "fake/syncs/evil.ts": sync })
    await syncEnded(stage.sluice, "evil")
    const { body, status } = await stage.sluice.call("GET", "/connections/victim?provider_config_key=fake")
    expect(status).toBe(200)
    expect(body.polluted).toBeUndefined()
    expect(Object.keys(body.metadata ?? {})).not.toContain("polluted")
    const records = await stage.sluice.call("GET", "/records?model=Evil", { headers: onFake() })
    expect(records.body.records.map((record: any) => record.id)).toEqual(["__proto__"])
  })
})
