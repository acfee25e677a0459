/** What a caller has left in the running window. */
export type Allowance = {
  limit: number
  remaining: number
  exceeded: boolean
  resetAt: Date
  retryAfterSeconds: number
}

/**
 * Counts requests. Asynchronous, so that several daemons on one database can count together; `undefined` means that
 * nothing is limited.
 */
export type Limiter = { take: (bucket: string, points: number) => Promise<Allowance | undefined> }

const windowMs = 60_000
/** Counts of more callers than this are not worth their memory: the oldest starts anew. */
const mostBuckets = 100_000

/** Fixed windows of a minute, for one daemon. `perMinute` 0 limits nothing. */
export function createLimiter(options: { perMinute: number; now: () => Date }): Limiter {
  const { perMinute, now } = options
  const used = new Map<string, number>()
  let window = 0
  return {
    async take(bucket, points) {
      if (perMinute === 0) return undefined
      const at = now().getTime()
      const current = Math.floor(at / windowMs)
      if (current !== window) {
        used.clear()
        window = current
      }
      const count = (used.get(bucket) ?? 0) + points
      if (used.size >= mostBuckets && !used.has(bucket)) dropOldest(used)
      used.set(bucket, count)
      const resetAt = new Date((current + 1) * windowMs)
      return {
        limit: perMinute,
        remaining: Math.max(0, perMinute - count),
        exceeded: count > perMinute,
        resetAt,
        retryAfterSeconds: Math.max(1, Math.floor((resetAt.getTime() - at) / 1000)),
      }
    },
  }
}

function dropOldest(used: Map<string, number>): void {
  const [oldest] = used.keys()
  if (oldest !== undefined) used.delete(oldest)
}

export const rateHeaders = (allowance: Allowance): Record<string, string> => ({
  "x-ratelimit-limit": String(allowance.limit),
  "x-ratelimit-remaining": String(allowance.remaining),
  "x-ratelimit-reset": String(allowance.resetAt.getTime() / 1000),
})
