import { describe, expect, test } from "bun:test"
import { testRunner } from "./harness.ts"
import { errorOf, request, valueOf } from "./requests.ts"

const runner = testRunner()

describe("describe", () => {
  const code = `const { createSync } = require("nango"), { z } = require("zod")
    exports.default = createSync({ description: "d", version: "1.2.3", frequency: "every hour", autoStart: true, scopes: ["a"], endpoints: [{ method: "GET", path: "/x" }],
      webhookSubscriptions: ["*"], models: { Item: z.object({ id: z.string(), at: z.date(), any: z.custom(() => true), tree: z.lazy(() => z.array(z.string())) }) },
      metadata: z.object({ team: z.string().optional() }), checkpoint: z.object({ at: z.string() }), exec: async () => {}, onWebhook: async () => {} })`

  test("a sync", async () => {
    const definition = valueOf(await runner.run(request(code, { kind: "describe" })))
    expect(definition).toMatchObject({
      kind: "sync",
      hasOnWebhook: true,
      description: "d",
      version: "1.2.3",
      frequency: "every hour",
      autoStart: true,
      scopes: ["a"],
      webhookSubscriptions: ["*"],
    })
    expect(definition.models.Item.properties).toMatchObject({
      id: { type: "string" },
      at: { type: "string", format: "date-time" },
      any: {},
    })
    expect(definition.models.Item).not.toHaveProperty("$schema")
    expect(definition.metadata.properties).toEqual({ team: { type: "string" } })
  })

  test("an action, an event function, a legacy script, and nothing of the kind", async () => {
    const describeOf = async (text: string) => valueOf(await runner.run(request(text, { kind: "describe" })))
    const input = `const { z } = require("zod"); exports.default = { type: "action", input: z.void(), output: z.array(z.string().transform(Number)), exec() {} }`
    expect(await describeOf(input)).toMatchObject({
      kind: "action",
      input: { type: "null" },
      output: { type: "array" },
      hasOnWebhook: false,
    })
    expect(
      await describeOf(`exports.default = require("nango").createOnEvent({ event: "validate-connection", exec() {} })`),
    ).toMatchObject({ kind: "on-event", event: "validate-connection" })
    expect(await describeOf(`exports.default = async () => {}; exports.onWebhookPayloadReceived = () => {}`)).toEqual({
      isFunction: true,
      hasOnWebhookPayloadReceived: true,
    })
    expect(await describeOf(`module.exports = 7`)).toEqual({ kind: null })
    expect(errorOf(await runner.run(request(`throw new Error("at load")`, { kind: "describe" }))).message).toBe(
      "at load",
    )
  })
})
