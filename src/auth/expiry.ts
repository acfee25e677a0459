import { readClaims } from "../kit/jwt.ts"

const minute = 60_000
export const never99 = 99 * 365 * 24 * 60 * minute

/**
 * The instant that a provider's `expires_at` means, in milliseconds: a date text, a number or numeric text (milliseconds
 * when that gives a year after 1971, else seconds), or `D:HH:MM` from now. Undefined for anything else.
 */
export function readInstant(value: unknown, now: Date): number | undefined {
  if (value instanceof Date) return validTime(value.getTime())
  if (typeof value === "number") return fromNumber(value)
  if (typeof value !== "string" || value.trim() === "") return undefined
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return fromNumber(Number(text))
  const span = /^(\d{1,5}):(\d{2}):(\d{2})$/.exec(text)
  if (span) {
    const [, days, hours, minutes] = span.map(Number)
    return now.getTime() + (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * minute
  }
  return validTime(new Date(text).getTime())
}

const year1972 = Date.UTC(1972, 0, 1)
const fromNumber = (value: number) => validTime(value >= year1972 ? value : value * 1000)
const validTime = (ms: number) => (Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 && ms > 0 ? ms : undefined)

const unitMs: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: minute,
  h: 60 * minute,
  d: 24 * 60 * minute,
  w: 7 * 24 * 60 * minute,
  y: 365.25 * 24 * 60 * minute,
}
const unitNames: Record<string, keyof typeof unitMs> = {
  millisecond: "ms",
  msec: "ms",
  second: "s",
  sec: "s",
  minute: "m",
  min: "m",
  hour: "h",
  hr: "h",
  day: "d",
  week: "w",
  year: "y",
  yr: "y",
}

/** A life time: a number or numeric text of seconds, or a text such as `15m`, `2 hours`. In milliseconds. */
export function readSpan(value: unknown, perUnit = 1000): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value * perUnit : undefined
  if (typeof value !== "string") return undefined
  const parts = /^\s*(-?\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(value)
  if (!parts) return undefined
  const [, amount, unit = ""] = parts
  if (unit === "") return Number(amount) * perUnit
  const name = unit.toLowerCase()
  const ms = unitMs[name] ?? unitMs[unitNames[name.replace(/s$/, "")] ?? ""]
  return ms === undefined ? undefined : Number(amount) * ms
}

/** Never later than the JWT itself says, minus a quarter of an hour, when the token is one. */
export function notAfterClaim(expiresAt: number, token: string | undefined): number {
  const exp = token === undefined ? undefined : readClaims(token)?.exp
  return typeof exp === "number" ? Math.min(expiresAt, exp * 1000 - 15 * minute) : expiresAt
}

/** As it stands in stored credentials. A time beyond what a date can hold counts as never. */
export function isoExpiry(ms: number | undefined): string | undefined {
  return ms === undefined || Math.abs(ms) > 8.64e15 ? undefined : new Date(ms).toISOString()
}
