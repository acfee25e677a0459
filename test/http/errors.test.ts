import { describe, expect, test } from "bun:test"
import { pino } from "pino"
import { z } from "zod"
import { type AppError, defineFaults } from "../../src/kit/errors.ts"
import { toResponse } from "../../src/http/errors.ts"
import { issuesOf } from "../../src/kit/shapes.ts"
import { testApp } from "../helpers/app.ts"

const faults = defineFaults({
  plain: [404, "It is not there."],
  silent: [400, ""],
  legacy: [401, "Who are you?", "legacy"],
})

async function answerTo(error: unknown) {
  const lines: any[] = []
  const log = pino({}, { write: (line) => void lines.push(JSON.parse(line)) })
  const response = toResponse(error, { requestId: "r-1", log })
  return { status: response.status, headers: response.headers, body: (await response.json()) as any, lines }
}

describe("the envelope", () => {
  test.each([
    ["a fault", faults.plain(), 404, { error: { code: "plain", message: "It is not there." } }],
    ["another sentence", faults.plain({ message: "Gone." }), 404, { error: { code: "plain", message: "Gone." } }],
    ["no sentence", faults.silent(), 400, { error: { code: "silent" } }],
    [
      "issues",
      faults.silent({ errors: [{ code: "custom", message: "m", path: ["a", "0"] }] }),
      400,
      { error: { code: "silent", errors: [{ code: "custom", message: "m", path: ["a", "0"] }] } },
    ],
    ["the older form", faults.legacy(), 401, { error: { code: "legacy", message: "Who are you?", payload: {} } }],
    [
      "the older form with a payload",
      faults.legacy({ payload: { a: 1 } }),
      401,
      { error: { code: "legacy", message: "Who are you?", payload: { a: 1 } } },
    ],
    [
      "a payload of null",
      faults.plain({ payload: null, message: "x" }),
      404,
      { error: { code: "plain", message: "x", payload: null } },
    ],
    [
      "members at both levels",
      faults.silent({ top: { error_type: "t" }, extra: { upstream: { status: 1 } } }),
      400,
      { error_type: "t", error: { code: "silent", upstream: { status: 1 } } },
    ],
  ] as [string, AppError, number, unknown][])("has %s", async (_, error, status, body) => {
    const answer = await answerTo(error)
    expect([answer.status, answer.body, answer.lines]).toEqual([status, body, []])
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8")
  })

  test("headers go along, causes and hints do not", async () => {
    const answer = await answerTo(
      faults.plain({ headers: { "retry-after": "3" }, hint: "hunter22", cause: new Error("hunter22") }),
    )
    expect(answer.headers.get("retry-after")).toBe("3")
    expect(JSON.stringify(answer.body)).not.toContain("hunter22")
  })

  test.each([
    ["an error", new Error("hunter22")],
    ["a text", "hunter22"],
    ["nothing", undefined],
    ["null", null],
    ["an object that looks like a fault", { code: "forbidden", status: 403, message: "hunter22" }],
    ["an error with a status", Object.assign(new Error("hunter22"), { status: 404, code: "x" })],
  ])("of %s says only a request id", async (_, thrown) => {
    const answer = await answerTo(thrown)
    expect(answer.status).toBe(500)
    expect(answer.body).toEqual({
      error: {
        code: "server_error",
        message: "Something went wrong on our side. The request id is r-1.",
        payload: { request_id: "r-1" },
      },
    })
    expect(answer.lines).toHaveLength(1)
    expect(answer.lines[0]).toMatchObject({ level: 50, requestId: "r-1" })
  })

  test("issues carry zod's codes and paths of texts", () => {
    const shape = z.strictObject({ list: z.array(z.object({ n: z.number().min(1) })), word: z.enum(["a"]) })
    const result = shape.safeParse({ list: [{ n: 0 }, { n: "x" }], word: "b", more: 1, other: 2 })
    expect(issuesOf(result.error as z.ZodError).map(({ code, path }) => [code, path])).toEqual([
      ["too_small", ["list", "0", "n"]],
      ["invalid_type", ["list", "1", "n"]],
      ["invalid_value", ["word"]],
      ["unrecognized_keys", []],
    ])
  })
})

test("an accident behind the door: the caller learns a request id, the log has the stack and no values", async () => {
  await using t = await testApp()
  await t.request("POST", "/integrations", { body: { provider: "private-api-bearer", unique_key: "k" } })
  const credentials = { type: "API_KEY", apiKey: "hunter22-hunter22" }
  await t.request("POST", "/connections", { body: { provider_config_key: "k", connection_id: "c", credentials } })
  await t.app.store.tx(async (tx) => void (await tx.db.run("UPDATE connections SET tags = '{broken'")))
  const answer = await t.request("GET", "/connections/c?provider_config_key=k")
  const id = answer.body.error.payload.request_id
  expect(answer.status).toBe(500)
  expect(answer.body.error).toEqual({
    code: "server_error",
    message: `Something went wrong on our side. The request id is ${id}.`,
    payload: { request_id: id },
  })
  const line = t.logged.find(({ requestId }) => requestId === id)
  expect(line?.err.stack).toContain("    at ")
  expect(JSON.stringify(t.logged)).not.toContain("hunter22")
  expect((await t.request("GET", "/health")).status).toBe(200)
})
