import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connectFake, onFake, startWithFake } from "../helpers/setup.ts"
import { type Answer, deploy, type Sluice } from "../helpers/sluice.ts"

const action = (members: string, body = "return null") => `import { createAction } from "nango"
import { z } from "zod"
export default createAction({ description: "d", input: z.any(), output: z.any(), ${members} exec: async (nango, input) => { ${body} } })`
const sync = (members: string, model = "Item") => `import { createSync } from "nango"
import { z } from "zod"
export default createSync({ description: "d", frequency: "every day", autoStart: false, models: { ${model}: z.object({ id: z.string() }) }, ${members} exec: async () => undefined })`
const long = (length: number) => "n".repeat(length)
const twoMiB = 2_097_152

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
  await connectFake(sluice)
  const answer = `return input.kind === "bytes" ? "é".repeat(input.size / 2) : "x".repeat(input.size)`
  await deploy(sluice, {
    "fake/actions/sized.ts": action("", answer),
    "fake/actions/says.ts": action("", `await nango.log("m".repeat(input.size), { level: "error" }); return null`),
    "fake/actions/nested.ts": action(
      "",
      `return input.depth === 0 ? "bottom" : await nango.triggerAction("nested", { depth: input.depth - 1 })`,
    ),
    "fake/syncs/vary.ts": sync(""),
  })
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

const trigger = (action_name: string, input: unknown) =>
  sluice.call("POST", "/action/trigger", { headers: onFake(), body: { action_name, input } })
/** Whether a plan with this one file is accepted, or the code of the first problem. */
const planned = (path: string, text: string) =>
  sluice.call("POST", "/sluice/deploy", { body: { files: { [path]: text }, mode: "plan" } })

type Row = [name: string, below: () => Promise<Answer>, above: () => Promise<Answer>, code: string]

const integration = (unique_key: string) => () =>
  sluice.call("POST", "/integrations", { body: { provider: "fake", unique_key } })
const connection = (connection_id: string) => () =>
  sluice.call("POST", "/connections", {
    body: { provider_config_key: "fake", connection_id, credentials: { type: "API_KEY", apiKey: "k" } },
  })
const variant = (name: string) => () =>
  sluice.call("POST", `/sync/vary/variant/${encodeURIComponent(name)}`, {
    body: { provider_config_key: "fake", connection_id: "c1" },
  })
const fn = (name: string) => () => planned(`fake/actions/${name}.ts`, action(""))
const declared = (members: string) => () => planned("fake/actions/a.ts", action(members))
const declaredSync = (members: string, model?: string) => () => planned("fake/syncs/a.ts", sync(members, model))

const rows: Row[] = [
  ["the name of a function", fn(long(255)), fn(long(256)), "invalid_project"],
  ["letters of a function's name", fn("aZ0_-"), fn("a.b"), "invalid_project"],
  ["an integration id", integration(long(255)), integration(long(256)), "invalid_body"],
  ["letters of an integration id", integration("aZ0~:.@ _-"), integration("a/b"), "invalid_body"],
  ["a connection id", connection(long(255)), connection(long(256)), "invalid_body"],
  ["letters of a connection id", connection(`aZ0,.;:=+~[]|@\${}"'\\/_ -`), connection("a?b"), "invalid_body"],
  ["a variant", variant(long(255)), variant(long(256)), "invalid_uri_params"],
  ["letters of a variant", variant("aZ0_-"), variant("a.b"), "invalid_uri_params"],
  ["a model", declaredSync("", `M${long(254)}`), declaredSync("", `M${long(255)}`), "invalid_project"],
  ["letters of a model", declaredSync("", "Aa0_"), declaredSync("", "lower"), "invalid_project"],
  [
    "a description",
    declared(`description: "${long(2000)}",`),
    declared(`description: "${long(2001)}",`),
    "invalid_project",
  ],
  ["a version", declared(`version: "${long(255)}",`), declared(`version: "${long(256)}",`), "invalid_project"],
  ["a scope", declared(`scopes: ["${long(255)}"],`), declared(`scopes: ["${long(256)}"],`), "invalid_project"],
  [
    "a webhook subscription",
    declaredSync(`webhookSubscriptions: ["${long(255)}"],`),
    declaredSync(`webhookSubscriptions: ["${long(256)}"],`),
    "invalid_project",
  ],
  [
    "the group of an endpoint",
    declared(`endpoint: { method: "GET", path: "/a", group: "${long(64)}" },`),
    declared(`endpoint: { method: "GET", path: "/a", group: "${long(65)}" },`),
    "invalid_project",
  ],
  [
    "a frequency",
    declaredSync(`frequency: "30 seconds",`),
    declaredSync(`frequency: "29 seconds",`),
    "invalid_project",
  ],
]

describe("names and declarations", () => {
  test.each(rows)("%s: one that fits, one that does not", async (_, below, above, code) => {
    const fits = await below()
    expect([fits.status < 300, fits.status < 300 ? "" : fits.text]).toEqual([true, ""])
    const refused = await above()
    expect([refused.status, refused.body.error.code]).toEqual([400, code])
  })
})

describe("runs", () => {
  test("an output of 2 MiB of JSON, and of one byte more", async () => {
    // Two of the bytes are the quotes.
    expect((await trigger("sized", { size: twoMiB - 2 })).status).toBe(200)
    const { status, body } = await trigger("sized", { size: twoMiB - 1 })
    expect([status, body.error.code]).toEqual([400, "script_output_too_large"])
    expect((await trigger("sized", { kind: "bytes", size: twoMiB - 2 })).status).toBe(200)
    expect((await trigger("sized", { kind: "bytes", size: twoMiB })).status).toBe(400)
  })

  test("a line of the log is kept to 10,000 characters", async () => {
    for (const [size, kept] of [
      [10_000, true],
      [10_001, false],
    ] as const) {
      await trigger("says", { size })
      const { body } = await sluice.call("GET", "/sluice/logs?function=says&limit=1")
      const { body: one } = await sluice.call("GET", `/sluice/logs/${body.data[0].id}`)
      const { message } = one.data.messages.find((line: any) => line.source === "user")
      expect([message.startsWith("m".repeat(10_000)), message.length === size]).toEqual([true, kept])
      if (!kept) expect(message).toEndWith("… (truncated)")
    }
  })

  test("actions trigger each other five levels deep, and not six", async () => {
    expect((await trigger("nested", { depth: 5 })).body).toBe("bottom")
    const { status, body } = await trigger("nested", { depth: 6 })
    expect(status).not.toBe(200)
    expect(JSON.stringify(body)).toContain("nesting_too_deep")
  })
})
