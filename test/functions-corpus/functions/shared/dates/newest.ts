/** The latest of ISO dates; the given one where there is none. */
export function newest(dates: readonly string[], atLeast: string): string {
  return dates.reduce((latest, date) => (Date.parse(date) > Date.parse(latest) ? date : latest), atLeast)
}

export const epoch = "1970-01-01T00:00:00.000Z"
