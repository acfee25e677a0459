import { expect } from "bun:test"
import type { Sluice } from "../helpers/sluice.ts"

/** What is wrong, the body, and the code of the first issue if the answer lists issues. */
export type Row = [what: string, body?: unknown, issue?: string]
/** Requests to one route that are refused with one code. */
export type Refusals = { route: string; status?: number; code: string; headers?: Record<string, string>; rows: Row[] }

/** Sends every request and answers those whose refusal is not the documented one. */
export async function findWrongRefusals(sluice: Sluice, groups: Refusals[]): Promise<unknown[]> {
  const wrong: unknown[] = []
  for (const { route, status = 400, code, headers, rows } of groups) {
    const [method = "", path = ""] = route.split(" ", 2)
    for (const [what, body, issue] of rows) {
      const answer = await sluice.call(method, path, { body, headers })
      const error = answer.body?.error
      const fits = answer.status === status && error?.code === code && error.errors?.[0]?.code === issue
      if (!fits) wrong.push({ request: `${route}: ${what}`, wanted: [status, code, issue], got: answer.text })
      for (const one of error?.errors ?? []) expect(Object.keys(one).toSorted()).toEqual(["code", "message", "path"])
    }
  }
  return wrong
}
