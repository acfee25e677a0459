import { DrizzleQueryError } from "drizzle-orm/errors"
import { pino, type Logger } from "pino"
import pc from "picocolors"

const flushBytes = 64 * 1024
const flushMs = 100

/**
 * The process log: JSON lines on stdout, gathered into few writes; one readable line each when a person looks at a
 * terminal. pino's transports do not exist inside an executable, so the stream is our own.
 */
export function createLogger(level: string): { log: Logger; flush: () => void } {
  const pretty = process.stdout.isTTY
  let buffer = ""
  let timer: ReturnType<typeof setTimeout> | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (buffer === "") return
    const text = buffer
    buffer = ""
    process.stdout.write(text)
  }
  const stream = {
    write(line: string) {
      buffer += pretty ? toPretty(line) : line
      if (pretty || buffer.length >= flushBytes || line.includes('"level":50') || line.includes('"level":60')) flush()
      else timer ??= setTimeout(flush, flushMs)
    },
  }
  const log = pino(
    {
      level,
      base: undefined,
      serializers: { err: (error: Error) => pino.stdSerializers.err(withoutParameters(error)) },
      redact: { paths: ["*.authorization", "*.password", "*.token", "*.secret"], censor: "[redacted]" },
    },
    stream,
  )
  return { log, flush }
}

/** The query builder's errors quote every parameter of the statement. What the database said is enough for a log. */
function withoutParameters(error: Error): Error {
  return error instanceof DrizzleQueryError && error.cause ? error.cause : error
}

const names: Record<number, string> = {
  10: pc.dim("trace"),
  20: pc.dim("debug"),
  30: pc.green("info "),
  40: pc.yellow("warn "),
  50: pc.red("error"),
  60: pc.red("fatal"),
}

function toPretty(line: string): string {
  const { level, time, msg, err, ...rest } = JSON.parse(line) as {
    level: number
    time: number
    msg?: string
    err?: { stack?: string }
  }
  const more = Object.keys(rest).length > 0 ? ` ${pc.dim(JSON.stringify(rest))}` : ""
  const stack = err?.stack ? `\n${err.stack}` : ""
  return `${pc.dim(new Date(time).toISOString().slice(11, 23))} ${names[level] ?? level} ${msg ?? ""}${more}${stack}\n`
}
