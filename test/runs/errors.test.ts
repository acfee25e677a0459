import { describe, expect, test } from "bun:test"
import { pino } from "pino"
import { toResponse } from "../../src/http/errors.ts"
import type { RunError } from "../../src/runner/runner.ts"
import { actionError } from "../../src/runs/errors.ts"

async function answerTo(error: Partial<RunError>) {
  const thrown = actionError({ type: "", status: 500, message: "it broke", payload: {}, ...error })
  const response = toResponse(thrown, { requestId: "r", log: pino({ level: "silent" }) })
  return { status: response.status, body: (await response.json()) as any }
}

describe("a failed action", () => {
  test.each([
    ["action_script_runtime_error", 500, "The action script failed with a runtime error"],
    ["script_internal_error", 500, "The action script failed with an internal error"],
    ["script_network_error", 500, "The action script failed with a network error"],
    ["script_api_rate_limit_error", 424, "The action script was rate limited"],
    ["script_output_too_large", 400, "The output of the action is too large"],
    ["script_aborted", 410, "The action was cancelled"],
    ["execution_timeout", 500, "The action took too long"],
    ["function_runtime_timed_out", 500, "The action took too long"],
    ["function_runtime_out_of_memory", 500, "The action used more memory than a run may"],
    ["function_runtime_other", 500, "The action script failed with an error: it broke"],
    ["action_script_failure", 500, "The action script failed with an error: it broke"],
    ["invalid_action_input", 400, "The input of the action does not match its schema"],
    ["invalid_action_output", 400, "The output of the action does not match its schema"],
    ["invalid_sync_record", 400, "The action script failed with an error: it broke"],
    ["something_of_the_owner", 500, "The action script failed with an error: it broke"],
  ])("of type %s answers %p", async (type, status, message) => {
    const answer = await answerTo({ type, payload: { a: 1 } })
    expect(answer.status).toBe(status)
    expect(answer.body.error).toEqual({ code: type, message, payload: { a: 1 } })
  })

  test("of an HTTP error has no sentence, and says what the provider answered", async () => {
    const upstream = { status: 404, headers: { "content-type": "application/json" }, body: { m: "gone" } }
    const answer = await answerTo({ type: "script_http_error", status: 404, payload: { m: "gone" }, upstream })
    expect(answer).toEqual({
      status: 424,
      body: { error: { code: "script_http_error", payload: { m: "gone" }, upstream } },
    })
    expect((await answerTo({ type: "script_http_error" })).body.error).toEqual({
      code: "script_http_error",
      payload: {},
    })
  })

  test("of the owner's own throwing has the payload at both places, and the older name", async () => {
    const { body } = await answerTo({ type: "action_script_runtime_error", payload: { reason: "no seats" } })
    expect(body).toMatchObject({ error_type: "action_script_failure", payload: { reason: "no seats" } })
    expect(body.error.payload).toEqual({ reason: "no seats" })
    const other = await answerTo({ type: "script_internal_error" })
    expect(Object.keys(other.body)).toEqual(["error"])
  })

  test.each(["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"])(
    "whose type is called %s is answered like any unknown one",
    async (type) => {
      const { status, body } = await answerTo({ type })
      expect(status).toBe(500)
      expect(body.error).toEqual({
        code: type,
        message: "The action script failed with an error: it broke",
        payload: {},
      })
    },
  )

  test("does not take its status from the guest", async () => {
    expect((await answerTo({ type: "anything", status: 200 })).status).toBe(500)
  })
})
