const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
]
const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

const tokens = /\[([^\]]*)\]|YYYY|YY|M{1,4}|D{1,2}|d{1,4}|H{1,2}|h{1,2}|a|A|m{1,2}|s{1,2}|SSS|Z{1,2}|X|x/g
const pad = (value: number, width = 2) => String(value).padStart(width, "0")

const writers: Record<string, (date: Date) => string> = {
  YYYY: (date) => pad(date.getUTCFullYear(), 4),
  YY: (date) => pad(date.getUTCFullYear() % 100),
  M: (date) => String(date.getUTCMonth() + 1),
  MM: (date) => pad(date.getUTCMonth() + 1),
  MMM: (date) => monthName(date).slice(0, 3),
  MMMM: (date) => monthName(date),
  D: (date) => String(date.getUTCDate()),
  DD: (date) => pad(date.getUTCDate()),
  d: (date) => String(date.getUTCDay()),
  dd: (date) => weekdayName(date).slice(0, 2),
  ddd: (date) => weekdayName(date).slice(0, 3),
  dddd: (date) => weekdayName(date),
  H: (date) => String(date.getUTCHours()),
  HH: (date) => pad(date.getUTCHours()),
  h: (date) => String(date.getUTCHours() % 12 || 12),
  hh: (date) => pad(date.getUTCHours() % 12 || 12),
  a: (date) => (date.getUTCHours() < 12 ? "am" : "pm"),
  A: (date) => (date.getUTCHours() < 12 ? "AM" : "PM"),
  m: (date) => String(date.getUTCMinutes()),
  mm: (date) => pad(date.getUTCMinutes()),
  s: (date) => String(date.getUTCSeconds()),
  ss: (date) => pad(date.getUTCSeconds()),
  SSS: (date) => pad(date.getUTCMilliseconds(), 3),
  Z: () => "+00:00",
  ZZ: () => "+0000",
  X: (date) => String(Math.floor(date.getTime() / 1000)),
  x: (date) => String(date.getTime()),
}

const monthName = (date: Date) => months[date.getUTCMonth()] as string
const weekdayName = (date: Date) => weekdays[date.getUTCDay()] as string

/** Writes a date in UTC by the format tokens of dayjs (day.js.org/docs/en/display/format); `[text]` is literal. */
export function formatDate(date: Date, format: string): string {
  return format.replace(tokens, (token, literal?: string) => literal ?? writers[token]?.(date) ?? token)
}

const unitMs = new Map([
  ["week", 604_800_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
  ["millisecond", 1],
])
const shortUnits = new Map([
  ["w", "week"],
  ["d", "day"],
  ["h", "hour"],
  ["m", "minute"],
  ["s", "second"],
  ["ms", "millisecond"],
  ["M", "month"],
  ["y", "year"],
])

/**
 * Moves a date by whole units (`days`, `hour`, `M`, …). Undefined for a unit that does not exist, and when the result
 * is no date any more.
 */
export function shiftDate(date: Date, amount: number, unitText: string): Date | undefined {
  const unit = shortUnits.get(unitText) ?? unitText.toLowerCase().replace(/s$/, "")
  const shifted = moveDate(date, amount, unit)
  return shifted && !Number.isNaN(shifted.getTime()) ? shifted : undefined
}

function moveDate(date: Date, amount: number, unit: string): Date | undefined {
  if (unit === "month") return shiftMonths(date, amount)
  if (unit === "year") return shiftMonths(date, amount * 12)
  const ms = unitMs.get(unit)
  return ms === undefined ? undefined : new Date(date.getTime() + amount * ms)
}

/** The same day of another month, or that month's last day. */
function shiftMonths(date: Date, amount: number): Date {
  const shifted = new Date(date)
  shifted.setUTCDate(1)
  shifted.setUTCMonth(shifted.getUTCMonth() + amount)
  const lastDay = new Date(Date.UTC(shifted.getUTCFullYear(), shifted.getUTCMonth() + 1, 0)).getUTCDate()
  shifted.setUTCDate(Math.min(date.getUTCDate(), lastDay))
  return shifted
}
