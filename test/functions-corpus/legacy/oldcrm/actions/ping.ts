import type { NangoAction } from "nango"
import type { OldPing } from "../../models"

/** An action without input gets none, not an empty object. */
export default async function runAction(nango: NangoAction, input?: unknown): Promise<OldPing> {
  const response = await nango.proxy({ method: "GET", endpoint: "/status/200", retries: 3 })
  return { ok: response.status === 200, input: typeof input }
}
