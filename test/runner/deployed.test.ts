import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connectFake, onFake, startWithFake, syncEnded } from "../helpers/setup.ts"
import { deploy, type Sluice, until } from "../helpers/sluice.ts"
import { makeZip } from "./archives.ts"
import { startSoapService } from "./soap-service.ts"

const action = (body: string, more = "") => `import { createAction } from "nango"
import { z } from "zod"
export default createAction({ description: "d", input: z.any(), output: z.any(), ${more} exec: async (nango, input) => {
${body}
} })`

/** Seven lines before the failure, three folders away from the entry. */
const failing = `export interface Unused { a: number }

type Check = (value: unknown) => asserts value is string

const limit = 3
export const check: Check = (value) => {
  if (String(value).length > limit) throw new RangeError("too long: " + value)
}
`
const sources: Record<string, string> = {
  "fake/lib/deep/check.ts": failing,
  "fake/lib/words.ts": `import { check } from "./deep/check.js"\nexport const say = (word: string): string => {\n  check(word)\n  return word\n}\n`,
  "fake/actions/frames.ts": `import { createAction } from "nango"\nimport { z } from "zod"\nimport { say } from "../lib/words.js"\nexport default createAction({ description: "d", input: z.any(), output: z.any(), exec: async () => ({ word: say("much longer") }) })\n`,
  "fake/syncs/frames-sync.ts": `import { createSync } from "nango"\nimport { z } from "zod"\nimport { say } from "../lib/words.js"\nexport default createSync({ description: "d", frequency: "every day", autoStart: false, models: { Word: z.object({ id: z.string() }) }, exec: async (nango) => {\n  await nango.batchSave([{ id: say("much longer") }], "Word")\n} })\n`,
  "fake/actions/outer.ts": action(
    `try { return { done: await nango.triggerAction(input.name, input.input) } } catch (e: any) { return { status: e.response?.status, data: e.response?.data, message: e.message, axios: e.isAxiosError } }`,
  ),
  "fake/actions/unguarded.ts": action(`return await nango.triggerAction("refuses", {})`),
  "fake/actions/refuses.ts": action(`throw new nango.ActionError({ message: "no", id: 7 })`),
  "fake/actions/breaks.ts": action(`throw new TypeError("broken")`),
  "fake/actions/provider-fails.ts": action(`await nango.get({ endpoint: "/status/404" })`),
  "fake/actions/doubles.ts": action(`return { twice: input.n * 2 }`),
  "fake/actions/staff.ts": `import soap, { security } from "soap"\nimport { createAction } from "nango"\nimport { z } from "zod"
export default createAction({ description: "d", input: z.object({ wsdl: z.string(), endpoint: z.string() }), output: z.any(), exec: async (nango, input) => {
  const client = await soap.createClientAsync(input.wsdl)
  client.setEndpoint(input.endpoint)
  client.setSecurity(new security.WSSecurity("u", "p"))
  client.addHttpHeader("x-tenant", "acme")
  const [result] = await client.GetWorkersAsync({ Page: 1 })
  return { total: result.Total, ids: result.Worker.map((worker: any) => worker.Id) }
} })`,
  "fake/actions/unpack.ts": `import unzipper from "unzipper"\nimport { createAction } from "nango"\nimport { z } from "zod"
export default createAction({ description: "d", input: z.any(), output: z.any(), exec: async (nango) => {
  const { data } = await nango.get({ endpoint: "/archive", responseType: "arraybuffer" })
  const directory = await unzipper.Open.buffer(Buffer.from(data.toString("latin1"), "base64"))
  return Object.fromEntries(await Promise.all(directory.files.map(async (file: any) => [file.path, (await file.buffer()).toString().length])))
} })`,
}

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
const service = startSoapService()
beforeAll(async () => {
  const zip = makeZip([
    { name: "a.txt", text: "hello" },
    { name: "b/c.txt", text: "x".repeat(100_000) },
  ])
  world = await startWithFake({
    fake: { data: [{ path: "/archive", headers: { "content-type": "text/plain" }, body: zip.toString("base64") }] },
  })
  sluice = world.sluice
  await connectFake(sluice)
  await deploy(sluice, sources)
}, 60_000)
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await service.stop()
})

const trigger = (action_name: string, input?: unknown) =>
  sluice.call("POST", "/action/trigger", { headers: onFake(), body: { action_name, input } })

/** The messages of the newest operation of a function, as soon as it has ended. */
async function messagesOf(name: string): Promise<any[]> {
  const operation = await until(async () => {
    const { body } = await sluice.call("GET", `/sluice/logs?function=${name}&limit=1`)
    return body.data.find((one: any) => one.state !== "running")
  }, `the operation of ${name} to end`)
  const { body } = await sluice.call("GET", `/sluice/logs/${operation.id}`)
  return body.data.messages
}

describe("places of failures", () => {
  const frame = /fake\/lib\/deep\/check\.ts:7:\d+/

  test("an action: in the API's answer and in its operation", async () => {
    const { status, body } = await trigger("frames")
    expect(status).toBe(500)
    expect(body.error).toMatchObject({
      code: "script_internal_error",
      payload: { name: "RangeError", message: "too long: much longer" },
    })
    const trace: string[] = body.error.payload.stacktrace
    expect(trace[0]).toBe("RangeError: too long: much longer")
    expect(trace[1]).toMatch(frame)
    expect(trace[2]).toMatch(/fake\/lib\/words\.ts:3:\d+/)
    expect(trace[3]).toMatch(/fake\/actions\/frames\.ts:4:\d+/)
    const failed = (await messagesOf("frames")).find((message) => message.level === "error")
    expect(failed.message).toBe("too long: much longer")
    expect(JSON.stringify(failed)).toMatch(frame)
  })

  test("a sync: in its operation", async () => {
    await sluice.call("POST", "/sync/trigger", {
      body: { provider_config_key: "fake", connection_id: "c1", syncs: ["frames-sync"] },
    })
    expect((await syncEnded(sluice, "frames-sync")).status).not.toBe("SUCCESS")
    const failed = (await messagesOf("frames-sync")).find((message) => message.level === "error")
    expect(failed.message).toBe("too long: much longer")
    expect(JSON.stringify(failed)).toMatch(frame)
  })
})

describe("actions that trigger actions", () => {
  test("an output", async () => {
    expect((await trigger("outer", { name: "doubles", input: { n: 21 } })).body).toEqual({ done: { twice: 42 } })
  })

  const failures: [name: string, status: number, error: object, top: object][] = [
    [
      "refuses",
      500,
      { code: "action_script_runtime_error", payload: { message: "no", id: 7 } },
      { error_type: "action_script_failure", payload: { message: "no", id: 7 } },
    ],
    ["breaks", 500, { code: "script_internal_error", payload: { name: "TypeError", message: "broken" } }, {}],
    [
      "provider-fails",
      424,
      { code: "script_http_error", payload: { status: 404, method: "GET" }, upstream: { status: 404 } },
      {},
    ],
    ["missing", 404, { code: "not_found" }, {}],
  ]
  test.each(failures)("%s: an HTTP error of the API with its very body", async (name, status, error, top) => {
    const direct = await trigger(name)
    expect(direct.status).toBe(status)
    const { body } = await trigger("outer", { name })
    expect(body).toMatchObject({
      status,
      axios: true,
      message: `Request failed with status code ${status}`,
      data: { ...top, error },
    })
    expect(Object.keys(body.data).toSorted()).toEqual(Object.keys(direct.body).toSorted())
    expect(Object.keys(body.data.error).toSorted()).toEqual(Object.keys(direct.body.error).toSorted())
  })

  test("nobody catches it: the outer action fails with what the inner one said", async () => {
    const { status, body } = await trigger("unguarded")
    expect(status).toBe(424)
    expect(body.error).toMatchObject({
      code: "script_http_error",
      payload: { message: "no", id: 7 },
      upstream: { status: 500 },
    })
  })
})

describe("libraries in the executable", () => {
  test("soap, through the gate", async () => {
    const { status, body } = await trigger("staff", { wsdl: service.wsdl, endpoint: `${service.url}/v2/staff` })
    expect([status, body]).toEqual([200, { total: 2, ids: ["w1", "w&2"] }])
    const call = service.calls.at(-1)
    expect([call?.headers.get("x-tenant"), call?.body.includes("UsernameToken")]).toEqual(["acme", true])
    const refused = await trigger("staff", { wsdl: "http://10.0.0.1/?wsdl", endpoint: "" })
    expect(refused.body.error).toMatchObject({ code: "script_internal_error", payload: { code: "url_not_allowed" } })
  })

  test("unzipper, on the provider's bytes", async () => {
    expect((await trigger("unpack")).body).toEqual({ "a.txt": 5, "b/c.txt": 100_000 })
  })
})
