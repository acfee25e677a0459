import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { actionFile } from "./functions.ts"
import { type Connection, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let at: Connection
beforeAll(async () => {
  world = await startWithFake()
  at = await stage(world.sluice, {
    "actions/greet.ts": `import { createAction } from "nango"
import * as z from "zod"
export default createAction({
  description: "Greets somebody.",
  version: "1.0.0",
  input: z.object({ name: z.string().describe("who"), loud: z.boolean().optional() }),
  output: z.object({ text: z.string() }),
  exec: async (_nango, { name }) => ({ text: "Hello " + name }),
})
`,
    "actions/nothing.ts": `import { createAction } from "nango"
import * as z from "zod"
export default createAction({
  description: "", version: "1.0.0", input: z.void(), output: z.void(), exec: async () => {},
})
`,
    "actions/count.ts": `import { createAction } from "nango"
import * as z from "zod"
export default createAction({
  description: "Takes a number.", version: "1.0.0", input: z.number(), output: z.number(), exec: async (_, n) => n,
})
`,
    "actions/refuse.ts": actionFile(`throw new nango.ActionError({ reason: "no" })`),
  })
})
afterAll(() => world[Symbol.asyncDispose]())

const accept = "application/json, text/event-stream"
const post = (body: unknown, headers: Record<string, string> = { accept, ...at.headers }) =>
  world.sluice.call("POST", "/mcp", { body, headers })
let id = 0
async function ask(method: string, params?: object): Promise<any> {
  const answer = await post({ jsonrpc: "2.0", id: ++id, method, params })
  expect([answer.status, answer.body.jsonrpc, answer.body.id]).toEqual([200, "2.0", id])
  return answer.body
}

test("a client introduces itself, and the revision is agreed on", async () => {
  const hello = (protocolVersion: string) =>
    ask("initialize", { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "1" } })
  expect((await hello("2025-03-26")).result).toEqual({
    protocolVersion: "2025-03-26",
    capabilities: { tools: {} },
    serverInfo: { name: "Nango Connection Tools MCP server", version: "1.0.0" },
  })
  expect((await hello("1999-01-01")).result.protocolVersion).toBe("2025-06-18")
  const ready = await post({ jsonrpc: "2.0", method: "notifications/initialized" })
  expect([ready.status, ready.text]).toEqual([202, ""])
  expect((await ask("ping")).result).toEqual({})
})

test("the tools are the actions that take an object or nothing", async () => {
  const { tools } = (await ask("tools/list")).result
  expect(tools.map(({ name }: any) => name)).toEqual(["greet", "nothing"])
  expect(tools[0]).toEqual({
    name: "greet",
    description: "Greets somebody.",
    inputSchema: {
      type: "object",
      properties: { name: { type: "string", description: "who" }, loud: { type: "boolean" } },
      required: ["name"],
    },
  })
  expect(tools[1]).toEqual({
    name: "nothing",
    description: "nothing",
    inputSchema: { type: "object", properties: {}, required: [] },
  })
})

test("a call runs the action", async () => {
  const { result } = await ask("tools/call", { name: "greet", arguments: { name: "Kim" } })
  expect(result).toEqual({ content: [{ type: "text", text: '{\n  "text": "Hello Kim"\n}' }] })
  expect((await ask("tools/call", { name: "nothing" })).result.content[0].text).toBe("null")
})

test("what fails is a JSON-RPC error", async () => {
  expect((await ask("tools/call", { name: "no-such" })).error).toEqual({
    code: -32602,
    message: "There is no tool no-such",
  })
  expect((await ask("tools/call", { arguments: {} })).error.code).toBe(-32602)
  expect((await ask("resources/list")).error.code).toBe(-32601)
  expect((await ask("constructor")).error.code).toBe(-32601)
  expect((await post({ id: 1, method: "ping" })).body.error.code).toBe(-32600)
  expect((await post([])).body.error.code).toBe(-32600)
})

test("a batch is answered as one", async () => {
  const answer = await post([
    { jsonrpc: "2.0", id: "a", method: "ping" },
    { jsonrpc: "2.0", method: "notifications/cancelled" },
    { jsonrpc: "2.0", id: "b", method: "nope" },
  ])
  expect(answer.body.map((one: any) => [one.id, one.result ?? one.error.code])).toEqual([
    ["a", {}],
    ["b", -32601],
  ])
})

test("an action that throws tells why in the message", async () => {
  const acting = await stage(world.sluice, {
    "actions/refuse.ts": `import { createAction } from "nango"
import * as z from "zod"
export default createAction({
  description: "", version: "1.0.0", input: z.object({}), output: z.any(),
  exec: async (nango) => { throw new nango.ActionError({ reason: "no" }) },
})
`,
  })
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "refuse" } }
  const { error } = (await post(call, { accept, ...acting.headers })).body
  expect(error.code).toBe(-32603)
  expect(JSON.parse(error.message)).toMatchObject({ type: "action_script_runtime_error", payload: { reason: "no" } })
})

test("the door: headers, connection, media types, method", async () => {
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" }
  expect((await post(ping, { accept })).body.error.code).toBe("invalid_headers")
  const nobody = await post(ping, { accept, ...at.headers, "connection-id": "nobody" })
  expect([nobody.status, nobody.body.error.code]).toEqual([400, "unknown_connection"])
  const picky = await post(ping, { accept: "application/json", ...at.headers })
  expect([picky.status, picky.body.error.code, picky.body.id]).toEqual([406, -32000, null])
  const read = await world.sluice.call("GET", "/mcp")
  expect([read.status, read.body, read.headers.get("allow")]).toEqual([
    405,
    { jsonrpc: "2.0", error: { code: -32000, message: "Method not allowed." }, id: null },
    "POST",
  ])
})
