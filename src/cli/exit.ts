import { AppError } from "../kit/errors.ts"

/** What a script can tell from how a command ended. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  conflict: 5,
  unreachable: 6,
  partial: 7,
  interrupted: 130,
} as const

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof AppError)) return exitCodes.failed
  if (error.code === "daemon_unreachable") return exitCodes.unreachable
  if (error.code.startsWith("usage")) return exitCodes.usage
  if (error.status === 401 || error.status === 403) return exitCodes.refused
  if (error.status === 404) return exitCodes.notFound
  if (error.status === 409) return exitCodes.conflict
  return exitCodes.failed
}
