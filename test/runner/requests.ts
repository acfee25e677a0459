import type { CallName } from "../../src/runner/calls.ts"
import type { AnswerCall, RunOutcome, RunRequest } from "../../src/runner/runner.ts"

export type Seen = { call: CallName; input: any; body: string | Uint8Array | undefined }
export type Answers = Partial<Record<CallName, (input: any, body: string | Uint8Array | undefined) => unknown>>
export const facts: RunRequest["facts"] = {
  connectionId: "c1",
  providerConfigKey: "github",
  provider: "github",
  environmentId: 1,
  environmentName: "dev",
  activityLogId: "op1",
  nangoConnectionId: 7,
  syncId: "s1",
  syncJobId: 3,
  variant: "base",
  loggerLevel: "debug",
  models: ["Item"],
  paginate: null,
}

export type Given = Partial<Omit<RunRequest, "limits" | "answer">> & {
  limits?: Partial<RunRequest["limits"]>
  answers?: Answers
  seen?: Seen[]
}

/** A request; an answer is `{output, body}` when it returns an object with one of these keys, else the output. */
export function request(code: string, given: Given = {}): RunRequest {
  const { answers = {}, seen = [], limits, ...rest } = given
  return {
    kind: "action",
    code,
    fileName: "test-github.cjs",
    facts,
    ...rest,
    limits: { wallMs: 10_000, memoryBytes: 512 * 1024 * 1024, outputBytes: 2_097_152, cancelGraceMs: 200, ...limits },
    answer: async (call, input, body) => {
      seen.push({ call, input, body })
      const result = (await answers[call]?.(input, body)) as Awaited<ReturnType<AnswerCall>> | undefined
      if (typeof result === "object" && ("output" in result || "body" in result)) return result
      return { output: result }
    },
  }
}

/** The body of an action's exec: `nango`, `input` and the modules are in reach. */
export function action(body: string): string {
  return `const { createAction, ActionError } = require("nango"); const z = require("zod").z;
exports.default = createAction({ description: "", exec: async (nango, input) => {
${body}
} })`
}

export function sync(body: string): string {
  return `exports.default = { type: "sync", exec: async (nango) => {
${body}
} }`
}

/** The parsed output, or throws with the error. */
export function valueOf(outcome: RunOutcome): any {
  if (!outcome.ok) throw new Error(`${outcome.error.type}: ${outcome.error.message} ${JSON.stringify(outcome.error)}`)
  return outcome.output === undefined ? undefined : JSON.parse(outcome.output)
}

export function errorOf(outcome: RunOutcome) {
  if (outcome.ok) throw new Error(`expected a failure, got ${outcome.output}`)
  return outcome.error
}
