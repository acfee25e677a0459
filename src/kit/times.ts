/** ISO 8601 with milliseconds and `Z`. */
export const isoTime = (ms: number): string => new Date(ms).toISOString()
/** The same instant with `+00:00`, as GET /connections/:id writes it. */
export const isoOffsetTime = (ms: number): string => isoTime(ms).replace("Z", "+00:00")
