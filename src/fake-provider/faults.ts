import type { Answer, Call } from "./answers.ts"
import { jsonAnswer } from "./answers.ts"
import type { FaultMode, ParsedFaultRule } from "./model.ts"

export type FaultState = { rule: ParsedFaultRule; seen: number; fired: number }

/** What a firing rule asks for: wait first, then answer this (when given), cut in that way (when given). */
export type Fault = {
  name: string
  delayMs: number
  answer?: Answer
  mode?: FaultMode
}

export function makeFaults(rules: readonly ParsedFaultRule[]): FaultState[] {
  return rules.map((rule) => ({ rule, seen: 0, fired: 0 }))
}

/** The first rule that fires wins; the rules behind it do not count this request. */
export function takeFault(states: readonly FaultState[], call: Call): Fault | undefined {
  for (const state of states) {
    if (!matches(state.rule, call)) continue
    state.seen++
    if (!isDue(state)) continue
    state.fired++
    return toFault(state.rule)
  }
  return undefined
}

function matches({ match }: ParsedFaultRule, call: Call): boolean {
  if (match.method !== undefined && match.method.toUpperCase() !== call.method) return false
  if (match.path === undefined) return true
  if (!match.path.startsWith("^")) return call.path.startsWith(match.path)
  const search = call.query.toString()
  return new RegExp(match.path).test(search === "" ? call.path : `${call.path}?${search}`)
}

function isDue({ rule, seen, fired }: FaultState): boolean {
  if (rule.times !== undefined && fired >= rule.times) return false
  return rule.every === undefined || seen % rule.every === 0
}

function toFault(rule: ParsedFaultRule): Fault {
  const name = [rule.status, rule.mode, rule.delayMs === undefined ? undefined : "delay"].filter(Boolean).join(" ")
  const answer = rule.status === undefined ? undefined : faultAnswer(rule, rule.status)
  return { name, delayMs: rule.delayMs ?? 0, answer, mode: rule.mode }
}

function faultAnswer(rule: ParsedFaultRule, status: number): Answer {
  const headers: Record<string, string> = status === 429 ? rateLimitHeaders() : {}
  for (const [name, value] of Object.entries(rule.headers ?? {})) {
    if (value === null) delete headers[name.toLowerCase()]
    else headers[name.toLowerCase()] = value
  }
  if (typeof rule.body === "string") {
    return {
      status,
      headers: { "content-type": "text/plain; charset=utf-8", ...headers },
      body: rule.body,
    }
  }
  const message = status === 429 ? "Too many requests." : `The fake provider was told to answer ${status}.`
  return jsonAnswer(status, rule.body ?? { error: { code: `fault_${status}`, message } }, headers)
}

function rateLimitHeaders(): Record<string, string> {
  return {
    "retry-after": "1",
    "x-ratelimit-limit": "60",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": String(Math.ceil(Date.now() / 1000) + 1),
  }
}
