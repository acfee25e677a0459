import { readObject, refuse, textOf } from "./arguments.ts"
import type { Channel } from "./channel.ts"

const levels = { debug: 0, info: 1, warn: 2, error: 3, off: 4 } as const
type Level = keyof typeof levels
type Written = Exclude<Level, "off">

const legacy: Record<string, Written> = { verbose: "debug", silly: "debug", http: "info" }
const maxMessage = 99_000
const maxMeta = 99_000

export type Logger = {
  log: (...args: unknown[]) => Promise<void>
  setLogger: (options: unknown) => void
  level: () => Level
}

/** `nango.log`: filtered by level here, so that what nobody keeps costs no message. A failure to store never throws. */
export function createLogger(channel: Channel, initial: Level): Logger {
  let threshold: Level = initial
  return {
    level: () => threshold,
    setLogger(options) {
      const { level } = readObject(options, "its options")
      if (typeof level !== "string") throw refuse('"level" must be one of debug, info, warn, error, off')
      if (threshold === "off" || !Object.hasOwn(levels, level)) return
      threshold = level as Level
    },
    async log(...args) {
      channel.check()
      if (args.length === 0 || threshold === "off") return
      const entry = toEntry(args)
      if (levels[entry.level] < levels[threshold]) return
      // Losing a log line must not fail the run; a cancelled run is told at its next call.
      await channel.call("log.write", entry).catch(() => undefined)
    },
  }
}

type Entry = { level: Written; message: string; meta?: Record<string, unknown> }

function toEntry(args: unknown[]): Entry {
  try {
    const level = takeLevel(args)
    return { level, message: toMessage(args[0]), meta: toMeta(args[1]) }
  } catch (error) {
    // A line is never the reason for a failure, whatever was handed over.
    return { level: "warn", message: `nango.log: the line cannot be shown: ${textOf(error)}` }
  }
}

function takeLevel(args: unknown[]): Written {
  const last = args.at(-1)
  if (typeof last !== "object" || last === null || !("level" in last)) return "info"
  args.pop()
  const level = String(last.level)
  if (level === "debug" || level === "info" || level === "warn" || level === "error") return level
  return Object.hasOwn(legacy, level) ? (legacy[level] ?? "info") : "info"
}

function toMessage(value: unknown): string {
  // JSON of an error is empty.
  if (value instanceof Error) return cut(String(value))
  return cut(typeof value === "string" ? value : (stringify(value) ?? String(value)))
}

function cut(message: string): string {
  return message.length > maxMessage ? `${message.slice(0, maxMessage)}... (truncated)` : message
}

function toMeta(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined
  if (value instanceof Error) return { name: value.name, message: cut(String(value.message)) }
  const json = stringify(value)
  if (json === undefined) return undefined
  if (json.length > maxMeta) return { truncated: json.slice(0, 10_000) }
  const plain: unknown = JSON.parse(json)
  return typeof plain === "object" && plain !== null ? { ...plain } : { value: plain }
}

function stringify(value: unknown): string | undefined {
  // Circular values and BigInt have no JSON; then the text form has to do.
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
