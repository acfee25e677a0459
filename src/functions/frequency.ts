import { Cron } from "croner"

/**
 * How often a sync runs. An interval has `ms` and `text` as the API echoes it (`every hour` → `1h`, else the words
 * without `every`); a time table has `cron` (five fields) and an IANA `timezone`.
 */
export type Frequency =
  | { ok: true; ms: number; text: string; cron?: undefined }
  | { ok: true; cron: string; timezone: string; text: string; ms?: undefined }
  | { ok: false; code: "sync_interval_invalid" | "sync_interval_too_short"; message: string }

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const MIN_MS = 30 * SECOND
/** Longer than any date arithmetic of a schedule should have to bear. */
const MAX_MS = 10 * 366 * DAY
const MAX_LENGTH = 100

const PHRASES = new Map([
  ["half day", "12h"],
  ["half hour", "30m"],
  ["quarter hour", "15m"],
  ["hour", "1h"],
  ["day", "1d"],
  ["week", "1w"],
  ["month", "30d"],
  ["minute", "1m"],
  ["year", "1y"],
])

const UNITS: readonly (readonly [RegExp, number, string])[] = [
  [/^(?:ms|msecs?|milliseconds?)$/, 1, "ms"],
  [/^(?:s|secs?|seconds?)$/, SECOND, "s"],
  [/^(?:m|mins?|minutes?)$/, MINUTE, "m"],
  [/^(?:h|hrs?|hours?)$/, HOUR, "h"],
  [/^(?:d|days?)$/, DAY, "d"],
  [/^(?:w|weeks?)$/, 7 * DAY, "w"],
  [/^(?:y|yrs?|years?)$/, 365.25 * DAY, "y"],
]

const AMOUNT = /^(-?\d*\.?\d+)?\s*([a-z]+)?$/
const CRON = /^cron\((.*)\)$/i
const ZONE = /^(.*?)(?:,\s+([A-Za-z][\w+/-]*)|,([A-Za-z_]+\/[\w+/-]+|UTC|GMT))$/

/**
 * Reads a frequency: the phrases and units of functions and of the API (`every half day`, `every 5 minutes`, `6h`,
 * `every minute`, `every 1.5 hours`), or `cron(0 9 * * 1-5, Europe/Berlin)`. Unit letters are case-insensitive, a
 * missing number is one, a bare number is milliseconds. The shortest interval is 30 s; cron without a zone is UTC.
 */
export function parseFrequency(text: string): Frequency {
  const clean = text.trim().replace(/\s+/g, " ")
  if (clean === "" || clean.length > MAX_LENGTH) return invalid(text)
  const cron = CRON.exec(clean)?.[1]
  if (cron !== undefined) return parseCron(cron.trim(), text)
  return parseInterval(clean.replace(/^every /i, ""), text)
}

function parseInterval(words: string, original: string): Frequency {
  const lower = words.toLowerCase()
  const phrase = PHRASES.get(lower)
  if (phrase !== undefined) return parseInterval(phrase, original)
  const parts = AMOUNT.exec(lower)
  const [, number, unit] = parts ?? []
  if (parts === null || (number === undefined && unit === undefined)) return invalid(original)
  const known = UNITS.find(([names]) => names.test(unit ?? "ms"))
  if (known === undefined) return invalid(original)
  const ms = Math.round(Number(number ?? 1) * known[1])
  if (ms < MIN_MS) return tooShort(original)
  if (!(ms <= MAX_MS)) return invalid(original)
  return { ok: true, ms, text: number === undefined ? `1${known[2]}` : words }
}

function parseCron(body: string, original: string): Frequency {
  const zoned = ZONE.exec(body)
  const cron = (zoned?.[1] ?? body).trim()
  const timezone = zoned?.[2] ?? zoned?.[3] ?? "UTC"
  if (cron.split(" ").length !== 5 || !firesEver(cron, timezone)) return invalid(original)
  return { ok: true, cron, timezone, text: `cron(${cron}, ${timezone})` }
}

function firesEver(cron: string, timezone: string): boolean {
  try {
    return new Cron(cron, { timezone, mode: "5-part", paused: true }).nextRun() !== null
  } catch {
    // croner throws for bad fields and unknown zones; both mean that this is no time table.
    return false
  }
}

function invalid(text: string): Frequency {
  const shown = JSON.stringify(text.slice(0, MAX_LENGTH))
  const message = `frequency ${shown} is not understood; write for example "every hour", "every 5 minutes" or "every day"`
  return { ok: false, code: "sync_interval_invalid", message }
}

function tooShort(text: string): Frequency {
  const message = `frequency ${JSON.stringify(text.slice(0, MAX_LENGTH))} is too short; the shortest is 30 seconds`
  return { ok: false, code: "sync_interval_too_short", message }
}
