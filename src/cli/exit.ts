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

/** The API answers some missing objects with 400; a script should not have to know which. */
const missing = /^(unknown_(connection|provider|sync|operation)|no_syncs_found$|not_found$)/

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof AppError)) return exitCodes.failed
  const { code, status } = error
  if (code === "interrupted") return exitCodes.interrupted
  if (code === "daemon_unreachable") return exitCodes.unreachable
  if (code.startsWith("usage_")) return exitCodes.usage
  if (status === 401 || status === 403) return exitCodes.refused
  if (status === 404 || missing.test(code)) return exitCodes.notFound
  if (status === 409) return exitCodes.conflict
  return exitCodes.failed
}
