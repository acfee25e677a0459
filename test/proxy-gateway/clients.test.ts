import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { client, client040, client042 } from "../contract/clients.ts"
import { startWorld, type World } from "./stage.ts"

let world: World
beforeAll(async () => void (world = await startWorld()))
afterAll(() => world[Symbol.asyncDispose]())

type Answered = { status: number; data: any; headers: Record<string, string> }
type Calls = Record<"get" | "post" | "put" | "patch" | "delete" | "proxy", (config: any) => Promise<Answered>>
const made: [name: string, make: () => Calls][] = [
  ["0.71.10", () => client(world.sluice) as unknown as Calls],
  ["0.42.22", () => client042(world.sluice) as unknown as Calls],
  ["0.40.0", () => client040(world.sluice) as unknown as Calls],
]
const on = { providerConfigKey: "fake", connectionId: "c1" }

describe.each(made)("the official client %s", (version, make) => {
  test("get, with parameters", async () => {
    const one = await make().get({ ...on, endpoint: "/echo?a=1", params: { b: "x y", c: "&" } })
    expect([one.status, one.data.query]).toEqual([200, { a: "1", b: "x y", c: "&" }])
    // The old clients fail at text before they send anything.
    if (version !== "0.71.10") return
    expect((await make().get({ ...on, endpoint: "echo", params: "c=3" })).data.query).toEqual({ c: "3" })
  })

  test.each(["post", "put", "patch"] as const)("%s with data and headers", async (verb) => {
    const config = { ...on, endpoint: "/echo", data: { a: [1] }, headers: { "X-Own": "1" } }
    const calls = make()
    // The old clients have no `put`.
    const { data } = await (calls[verb]?.bind(calls) ?? calls.proxy.bind(calls))({ ...config, method: verb })
    expect([data.method, data.body, data.headers["x-own"]]).toEqual([verb.toUpperCase(), '{"a":[1]}', "1"])
    expect(data.headers["content-type"]).toStartWith("application/json")
  })

  test("delete, with data where the client sends it", async () => {
    const { data } = await make().delete({ ...on, endpoint: "/echo", data: { a: [1] } })
    expect([data.method, data.body]).toEqual(["DELETE", version === "0.40.0" ? "" : '{"a":[1]}'])
  })

  test("post without data, and with a form", async () => {
    expect((await make().post({ ...on, endpoint: "/echo" })).data.body).toBe("")
    const headers = { "Content-Type": "application/x-www-form-urlencoded" }
    const { data } = await make().post({ ...on, endpoint: "/echo", data: { a: "1", b: "x y" }, headers })
    expect([data.headers["content-type"], data.body]).toEqual([headers["Content-Type"], "a=1&b=x+y"])
    const lower = { "content-type": "application/x-www-form-urlencoded" }
    const turned = await make().post({ ...on, endpoint: "/echo", data: { a: "1" }, headers: lower })
    expect([turned.data.headers["content-type"], turned.data.body]).toEqual([lower["content-type"], "a=1"])
  })

  test("proxy names the method itself, and takes every option", async () => {
    const options = { retries: 1, decompress: true, retryOn: [404], baseUrlOverride: world.fake.url }
    const { data } = await make().proxy({ ...on, ...options, endpoint: "/echo", method: "PATCH", data: { a: 1 } })
    expect(data.method).toBe("PATCH")
  })

  test("a refusal of the provider rejects with its status, headers and data", async () => {
    world.fake.control({
      faults: [{ match: { path: "/teapot" }, status: 418, headers: { "x-why": "tea" }, body: { tea: true } }],
    })
    const reason = await make()
      .get({ ...on, endpoint: "/teapot" })
      .then(
        () => undefined,
        (error: { response: Answered }) => error.response,
      )
    expect([reason?.status, reason?.headers["x-why"], reason?.data]).toEqual([418, "tea", { tea: true }])
  })

  test("a refusal of ours rejects with its code", async () => {
    const reason = await make()
      .get({ ...on, connectionId: "nobody", endpoint: "/echo" })
      .then(
        () => undefined,
        (error: { response: Answered }) => error.response,
      )
    expect([reason?.status, reason?.data.error.code]).toEqual([400, "server_error"])
  })

  test("binary answers and compressed ones", async () => {
    const bytes = await make().get({ ...on, endpoint: "/bytes/1000", responseType: "arraybuffer" })
    expect([bytes.status, bytes.data.byteLength]).toEqual([200, 1000])
    expect((await make().get({ ...on, endpoint: "/gzip" })).data.compressed).toBe(true)
  })
})

test.each(["PROPFIND", "REPORT"] as const)("the newest client sends %s", async (method) => {
  const config = { ...on, endpoint: "/echo", method, data: "<a/>", headers: { "Content-Type": "text/xml" } }
  const { data } = await client(world.sluice).proxy(config)
  expect([data.method, data.body, data.headers["content-type"]]).toEqual([method, "<a/>", "text/xml"])
})
