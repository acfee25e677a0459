import type { App } from "../app/context.ts"
import type { Issue } from "../kit/errors.ts"
import { connectionFaults } from "./model.ts"

type Gate = Pick<App, "egress">

/** What is wrong with an address that no webhook could ever be sent to. An empty one stands for none. */
export function issuesOfWebhookUrl({ egress }: Gate, url: string | null | undefined, path: string): Issue[] {
  const refusal = url ? egress.refusal(url) : undefined
  if (refusal === undefined) return []
  const message = `${refusal} The setting SLUICE_EGRESS_ALLOW opens private targets.`
  return [{ code: "custom", message, path: [path] }]
}

/** Throws `invalid_body` for such an address of a connection. */
export function checkWebhookUrl(gate: Gate, url: string | undefined): void {
  const errors = issuesOfWebhookUrl(gate, url, "webhook_url_override")
  if (errors.length > 0) throw connectionFaults.invalid_body({ errors })
}
