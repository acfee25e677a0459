import { AppError } from "../kit/errors.ts"
import type { Provider } from "../providers/model.ts"
import type { OAuth2Credentials } from "./credentials.ts"
import { authFaults } from "./faults.ts"
import type { AuthCtx, AuthTarget } from "./mode.ts"
import { renderUrl, scopeOf } from "./scope.ts"
import { memberAt, textAt } from "./token-answer.ts"
import { requestToken } from "./token-request.ts"

const mostPages = 10

/**
 * Makes sure that the person who signed in may reach the installation that the browser names. The app itself may reach
 * those of all its customers, and their numbers can be guessed; so where the entry says how to ask, an installation alone
 * is not enough. Throws `callback_err`.
 */
export async function proveInstallation(
  ctx: AuthCtx,
  target: AuthTarget,
  user: OAuth2Credentials | undefined,
  installationId: string,
): Promise<void> {
  const proof = target.provider.installation_proof
  if (!proof) return
  if (!user) {
    const message = "The provider did not say who installs the app. Let it ask people to sign in when they install it."
    throw authFaults.callback_err({ message })
  }
  for (let page = 1; page <= mostPages; page++) {
    const list = await askPage(ctx, target, { proof, user, page })
    // A server of the same kind that has no such list (an older one of the customer's own) cannot be asked.
    if (!list && page === 1) return
    if (!list || list.length === 0) break
    if (list.some((one) => textAt(one, proof.id) === installationId)) return
  }
  throw authFaults.callback_err({ message: "The person who signed in has no access to this installation." })
}

type Page = { proof: NonNullable<Provider["installation_proof"]>; user: OAuth2Credentials; page: number }

/** One page of the list; undefined where the server has none. */
async function askPage(ctx: AuthCtx, target: AuthTarget, { proof, user, page }: Page): Promise<unknown[] | undefined> {
  try {
    const { body } = await requestToken(ctx, {
      method: "GET",
      url: renderUrl(`${target.provider.proxy?.base_url}${proof.endpoint}`, { ...scopeOf(ctx, target), page }).href,
      headers: { authorization: `Bearer ${user.access_token}` },
      secrets: [user.access_token],
      refused: authFaults.callback_err,
    })
    const list = memberAt(body, proof.list)
    return Array.isArray(list) ? list : undefined
  } catch (error) {
    const { status } = ((error instanceof AppError && error.details.payload) || {}) as { status?: unknown }
    if (status === 404) return undefined
    throw error
  }
}
