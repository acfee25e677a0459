import { countLines } from "../kit/lines.ts"
import { StepError } from "./writer.ts"

/*
 * Shapes of what steps are given, by hand: with zod the writer Worker holds 4 MB more and takes 4 ms longer to start (zod
 * 4.6, Bun 1.4, 2 cores). So nothing that the writer imports may import zod.
 */

/** One member: what it has to be, in words, and whether a value is that. */
export type Check = { expects: string; holds: (value: unknown) => boolean }
/** A check for every member of `T`, also for those that may be left out. Members that it does not name are ignored. */
export type InputShape<T> = { [K in keyof T]-?: Check }

export const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Check => ({
  expects: `a whole number from ${least} to ${most}`,
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
})

export const text = (most: number): Check => ({
  expects: `a text of 1 to ${most} characters`,
  holds: (value) => typeof value === "string" && value.length > 0 && value.length <= most,
})

/** A list as `kit/lines.ts` writes it. */
export const listed = (most: number): Check => ({
  expects: `at most ${most} texts, a line each`,
  holds: (value) => typeof value === "string" && countLines(value) <= most,
})

export const optional = ({ expects, holds }: Check): Check => ({
  expects: `${expects}, or nothing`,
  holds: (value) => value === undefined || value === null || holds(value),
})

/** Checks the envelope of a step. Throws `invalid_input` with every member that does not fit. */
export function readInput<T extends object>(shape: InputShape<T>, input: unknown): T {
  const given = (input ?? {}) as Record<string, unknown>
  const wrong = Object.entries<Check>(shape).filter(([name, { holds }]) => !holds(given[name]))
  if (wrong.length === 0) return given as T
  const reasons = wrong.map(([name, { expects }]) => `${name}: it must be ${expects}`)
  throw new StepError("invalid_input", reasons.join("; "))
}
