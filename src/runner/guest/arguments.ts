import { SdkError } from "./errors.ts"

/** A call of the SDK that cannot be carried out as it was written. The name of the method is put in front by `named`. */
export function refuse(problem: string): SdkError {
  return new SdkError("invalid_sdk_call", problem)
}

/** The members of an object that user code passed; reading a stranger's object may run a stranger's code. */
export function readObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || readList(value)) throw refuse(`${what} must be an object`)
  try {
    return { ...value }
  } catch (error) {
    throw refuse(`${what} cannot be read: ${textOf(error)}`)
  }
}

/** The value when it is a list. */
export function readList(value: unknown): unknown[] | undefined {
  try {
    return Array.isArray(value) ? value : undefined
  } catch {
    // A revoked proxy is nothing at all.
    return undefined
  }
}

/** The same where nothing at all is fine as well. */
export function readOptions(value: unknown, what: string): Record<string, unknown> {
  return value === undefined || value === null ? {} : readObject(value, what)
}

/** A name or the like: text as it is, numbers as text. */
export function readText(value: unknown, what: string): string {
  if (typeof value === "string") return value
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value)
  throw refuse(`${what} must be a text`)
}

/** As `readText`; undefined, null and empty text are none. */
export function readOptionalText(value: unknown, what: string): string | undefined {
  return value === undefined || value === null || value === "" ? undefined : readText(value, what)
}

/** The JSON of a value, undefined for what JSON leaves out. */
export function writeJson(value: unknown, what: string): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw refuse(`${what} cannot be written as JSON: ${textOf(error)}`)
  }
}

/** Whatever was thrown while arguments were read, as a refusal. */
export function asRefusal(error: unknown, what: string): unknown {
  return isSdkError(error) ? error : refuse(`${what} cannot be read: ${textOf(error)}`)
}

function isSdkError(error: unknown): boolean {
  try {
    return error instanceof SdkError
  } catch {
    // A proxy that throws on being looked at is no error of ours.
    return false
  }
}

/** The message of anything that was thrown; looking at it may throw in turn. */
export function textOf(error: unknown): string {
  try {
    const message = (error as { message?: unknown } | undefined)?.message
    return String(typeof message === "string" ? message : error).slice(0, 1000)
  } catch {
    // Thrown things may throw in turn.
    return "it throws"
  }
}

type Method = (...args: unknown[]) => unknown

/**
 * Gives every refusal that leaves a method the method's name: `nango.get: …`, and `call` in its payload. Errors of any
 * other kind, among them those of callbacks, pass as they are. The method rejects and never throws.
 */
export function named(name: string, method: Method): Method {
  return async (...args) => {
    try {
      return await method(...args)
    } catch (error) {
      throw withName(error, name)
    }
  }
}

/** The same for methods that answer at once. */
export function namedAtOnce(name: string, method: Method): Method {
  return (...args) => {
    try {
      return method(...args)
    } catch (error) {
      throw withName(error, name)
    }
  }
}

/** The same for methods that answer with an async iterator. */
export function namedSteps(name: string, method: Method): Method {
  return (...args) => followSteps(name, method(...args) as AsyncGenerator)
}

function followSteps(name: string, steps: AsyncGenerator): AsyncGenerator {
  const follow = async (step: Promise<IteratorResult<unknown>>) => {
    try {
      return await step
    } catch (error) {
      throw withName(error, name)
    }
  }
  return {
    next: (...args) => follow(steps.next(...args)),
    return: (value) => follow(steps.return(value)),
    throw: (error) => follow(steps.throw(error)),
    [Symbol.asyncIterator]() {
      return this
    },
    [Symbol.asyncDispose]: () => steps[Symbol.asyncDispose](),
  }
}

const refusals = new Set(["invalid_sdk_call", "invalid_sync_record"])

function withName(error: unknown, name: string): unknown {
  if (!isSdkError(error)) return error
  const { code, message, payload } = error as SdkError
  if (!refusals.has(code) || message.startsWith("nango.")) return error
  return new SdkError(code, `nango.${name}: ${message}`, { ...(payload as object), call: name })
}
