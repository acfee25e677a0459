/** The HTTP status of a refused request; undefined for any other error. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("response" in error)) return undefined
  const { response } = error as { response?: { status?: number } }
  return response?.status
}
