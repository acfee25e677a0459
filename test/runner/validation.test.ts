import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connectFake, onFake, startWithFake, syncEnded } from "../helpers/setup.ts"
import { deploy, type Sluice, until } from "../helpers/sluice.ts"

const head = `import { createAction, createSync } from "nango"\nimport { z } from "zod"\n`
const sources: Record<string, string> = {
  "fake/actions/add.ts": `${head}export default createAction({ description: "d",
  input: z.object({ a: z.number(), b: z.coerce.number().optional() }), output: z.object({ sum: z.number().max(100) }),
  exec: async (nango, input) => ({ sum: (input.a as any) + (input.b ?? 0), seen: typeof input.b }) as any })`,
  "fake/actions/nothing.ts": `${head}export default createAction({ description: "d", input: z.void(), output: z.void(), exec: async () => undefined })`,
  "fake/actions/dated.ts": `${head}export default createAction({ description: "d", input: z.object({ list: z.array(z.object({ id: z.string() })) }), output: z.object({ at: z.date() }), exec: async () => ({ at: new Date(0) }) })`,
  "fake/syncs/people.ts": `${head}export default createSync({ description: "d", frequency: "every day", autoStart: false,
  metadata: z.object({ names: z.array(z.string()) }),
  models: { Person: z.strictObject({ id: z.string(), name: z.string(), email: z.email().optional() }) },
  exec: async (nango) => {
    const { names, email } = (await nango.getMetadata()) as any
    await nango.batchSave([{ id: "0", name: "Zero" }], "Person")
    await nango.batchSave((names ?? ["none"]).map((name: any, n: number) => ({ id: String(n + 1), name, ...(email ? { email } : {}) })), "Person")
    const again: any[] = []
    for await (const person of nango.listRecords("Person")) again.push(person)
    await nango.batchSave(again, "Person")
    await nango.batchUpdate([{ id: "0", name: 7 as any }], "Person")
  } })`,
}

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
  await connectFake(sluice)
  await deploy(sluice, sources)
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

const trigger = (action_name: string, input?: unknown) =>
  sluice.call("POST", "/action/trigger", { headers: onFake(), body: { action_name, input } })
const set = (change: Record<string, unknown>) => sluice.call("PATCH", "/sluice/environment", { body: change })
const off = {
  validate_action_input: false,
  validate_action_output: false,
  validate_sync_records: false,
  validate_sync_metadata: false,
}

describe("settings of the environment", () => {
  test("are off at first, changed one by one, and shown to any key", async () => {
    const { body } = await sluice.call("GET", "/sluice/environment")
    expect(body).toMatchObject({ name: "dev", is_production: false, ...off })
    expect((await set({ validate_action_input: true })).body).toMatchObject({ ...off, validate_action_input: true })
    expect((await set({ validate_action_output: true })).body).toMatchObject({
      validate_action_input: true,
      validate_action_output: true,
    })
    expect((await set({})).status).toBe(200)
    expect((await set(off)).body).toMatchObject(off)
  })

  const wrong = [{ validate_action_input: "yes" }, { validate_everything: true }, { validate_action_input: null }, []]
  test.each(wrong.map((body) => [JSON.stringify(body), body] as const))("%s is refused", async (_, body) => {
    const answer = await sluice.call("PATCH", "/sluice/environment", { body })
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_body"])
    expect((await sluice.call("GET", "/sluice/environment")).body).toMatchObject(off)
  })

  test("variables are replaced as a whole", async () => {
    const put = (body: unknown) => sluice.call("PUT", "/sluice/environment/variables", { body })
    const read = async () => (await sluice.call("GET", "/environment-variables")).body
    expect(
      (
        await put([
          { name: "A", value: "1" },
          { name: "B", value: "" },
        ])
      ).status,
    ).toBe(200)
    expect(await read()).toEqual([
      { name: "A", value: "1" },
      { name: "B", value: "" },
    ])
    const refused = [
      {},
      [{ name: "A" }],
      [{ name: "", value: "x" }],
      [{ name: "A", value: 1 }],
      [
        { name: "A", value: "1" },
        { name: "A", value: "2" },
      ],
      [{ name: "A", value: "1", more: 1 }],
      [{ name: "x".repeat(256), value: "" }],
      [{ name: "A", value: "x".repeat(65_537) }],
    ]
    for (const body of refused) expect([(await put(body)).status, body]).toEqual([400, body])
    expect(await read()).toEqual([
      { name: "A", value: "1" },
      { name: "B", value: "" },
    ])
    expect((await put([{ name: "x".repeat(255), value: "x".repeat(65_536) }])).status).toBe(200)
    expect((await put([])).body).toEqual([])
    expect(await read()).toEqual([])
  })
})

describe("actions", () => {
  test("nothing is checked unless it is asked for", async () => {
    await set(off)
    expect((await trigger("add", { a: "1" })).body).toEqual({ sum: "10", seen: "undefined" })
    expect((await trigger("add", { a: 1000 })).status).toBe(200)
  })

  test("the input: 400 with the issues, before the function runs", async () => {
    await set({ ...off, validate_action_input: true })
    const { status, body } = await trigger("add", { a: "1" })
    expect(status).toBe(400)
    expect(body.error).toMatchObject({ code: "invalid_action_input", message: expect.any(String) })
    expect(body.error.payload).toEqual({ issues: [{ code: "invalid_type", message: expect.any(String), path: ["a"] }] })
    const nested = await trigger("dated", { list: [{ id: "a" }, { id: 7 }] })
    expect(nested.body.error.payload.issues[0].path).toEqual(["list", "1", "id"])
    expect((await trigger("add")).body.error.code).toBe("invalid_action_input")
  })

  test("a check changes nothing, and void takes nothing", async () => {
    await set({ ...off, validate_action_input: true })
    expect((await trigger("add", { a: 1, b: "2" })).body).toEqual({ sum: "12", seen: "string" })
    await set({ ...off, validate_action_input: true, validate_action_output: true })
    expect((await trigger("nothing")).status).toBe(200)
    expect((await trigger("nothing", { a: 1 })).body.error.code).toBe("invalid_action_input")
    expect((await trigger("dated", { list: [] })).body).toEqual({ at: "1970-01-01T00:00:00.000Z" })
  })

  test("the output: 400 with the issues", async () => {
    await set({ ...off, validate_action_output: true })
    expect((await trigger("add", { a: 100 })).status).toBe(200)
    const { status, body } = await trigger("add", { a: 101 })
    expect([status, body.error.code]).toEqual([400, "invalid_action_output"])
    expect(body.error.payload.issues).toEqual([{ code: "too_big", message: expect.any(String), path: ["sum"] }])
  })
})

describe("syncs", () => {
  let last: string | undefined
  async function sync(metadata: Record<string, unknown>) {
    await sluice.call("POST", "/connections/metadata", {
      body: { connection_id: "c1", provider_config_key: "fake", metadata },
    })
    await sluice.call("POST", "/sync/trigger", {
      body: { provider_config_key: "fake", connection_id: "c1", syncs: ["people"] },
    })
    const ended = await syncEnded(sluice, "people", { after: last })
    last = ended.finishedAt
    const operation = await until(async () => {
      const { body } = await sluice.call("GET", "/sluice/logs?function=people&limit=1")
      return body.data.find((one: any) => one.state !== "running")
    }, "the operation of the sync to end")
    const { body } = await sluice.call("GET", `/sluice/logs/${operation.id}`)
    const failed = body.data.messages.find((message: any) => message.level === "error")
    return { status: ended.latestExecutionStatus, error: failed?.detail.error }
  }
  const names = async () => {
    const { body } = await sluice.call("GET", "/records?model=Person", { headers: onFake() })
    return body.records.map((record: any) => record.name)
  }

  test("records that do not match end the run; what was saved before stays", async () => {
    await set({ ...off, validate_sync_records: true })
    const { status, error } = await sync({ names: ["Ada", 7] })
    expect(status).toBe("STOPPED")
    expect(error).toMatchObject({
      type: "invalid_sync_record",
      payload: { model: "Person", index: 1, issues: [{ code: "invalid_type", path: ["name"] }] },
    })
    expect(error.message).toStartWith("nango.batchSave: ")
    expect(await names()).toEqual(["Zero"])
  })

  test("records that match, read back with their metadata and saved again", async () => {
    expect((await sync({ names: ["Ada", "Bob"], email: "a@example.com" })).status).toBe("SUCCESS")
    expect((await names()).toSorted()).toEqual([7, "Ada", "Bob"])
    const odd = await sync({ names: ["Ada"], email: "no address" })
    expect(odd.error.payload.issues[0].path).toEqual(["email"])
  })

  test("metadata is checked before the sync starts", async () => {
    await set({ ...off, validate_sync_metadata: true })
    const { status, error } = await sync({ names: "Ada" })
    expect(status).toBe("STOPPED")
    expect(error).toMatchObject({ type: "invalid_sync_metadata", payload: { issues: [{ path: ["names"] }] } })
    expect((await sync({ names: ["Ada"] })).status).toBe("SUCCESS")
  })

  test("and nothing of this when it is off", async () => {
    await set(off)
    expect((await sync({ names: [7] })).status).toBe("SUCCESS")
  })
})
