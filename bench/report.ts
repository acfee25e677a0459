/** Wall time in milliseconds, processor time of every process that did the work, and how many things were done. */
export type Timing = { ms: number; cpuMs: number; count: number }

/** One line of the result. `aim` is what `value` has to reach (`least`) or may not exceed (`most`). */
export type Line = {
  what: string
  value: number
  unit: string
  detail: string
  aim?: { least: number } | { most: number }
}

export const perSecond = ({ ms, count }: Timing): number => (count * 1000) / ms
export const cpuMicros = ({ cpuMs, count }: Timing): number => (cpuMs * 1000) / count

/** The fastest of several: what the machine does besides makes a run slower, never faster. */
export const fastest = <T extends Timing>(timings: T[]): T =>
  timings.reduce((best, timing) => (timing.ms / timing.count < best.ms / best.count ? timing : best))

/** The value that `share` of the sorted samples do not exceed. */
export function quantile(samples: number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Rate of ours against that of the base, with what the two cost. */
export function ratioLine(what: string, ours: Timing, base: Timing, least: number): Line {
  const rate = `${thousands(perSecond(ours))} of ${thousands(perSecond(base))} a second`
  const cpu = `CPU ${cpuMicros(ours).toFixed(1)} of ${cpuMicros(base).toFixed(1)} us each`
  return { what, value: perSecond(ours) / perSecond(base), unit: "x raw", detail: `${rate}; ${cpu}`, aim: { least } }
}

export function printLine({ what, value, unit, detail, aim }: Line): void {
  const shown = value >= 100 ? value.toFixed(0) : value.toFixed(2)
  console.log(`${what.padEnd(34)} ${`${shown} ${unit}`.padStart(12)}  ${verdict(value, aim).padEnd(18)} ${detail}`)
}

function verdict(value: number, aim: Line["aim"]): string {
  if (!aim) return ""
  const [met, text] = "least" in aim ? [value >= aim.least, `>= ${aim.least}`] : [value <= aim.most, `<= ${aim.most}`]
  return `${met ? "ok" : "MISSED"} (aim ${text})`
}

const thousands = (rate: number): string => `${(rate / 1000).toFixed(1)}k`
