import type { WireError } from "./client.ts"

const giveKey = "Give the secret key of the environment with --secret-key or SLUICE_SECRET_KEY."

/** What a person can type next, by the code of an error that the API answered. */
const hints: Record<string, string> = {
  missing_auth_header: giveKey,
  malformed_auth_header: giveKey,
  invalid_secret_key_format: giveKey,
  unknown_account: `${giveKey} The daemon prints new keys once, at its first start.`,
  forbidden: "Use a key that has the scope.",
  unknown_provider_config: "sluice integrations list shows those that exist.",
  unknown_connection: "sluice connections list shows those that exist.",
  unknown_provider_template: "sluice providers list shows the catalogue.",
  no_syncs_found: "sluice syncs list shows those that exist.",
  unknown_operation: "sluice logs list shows the latest operations.",
  unknown_delivery: "sluice webhooks list shows those that exist.",
  unknown_webhook: "sluice webhooks inbox shows those that exist.",
  invalid_types: "With --no-check it is deployed all the same.",
  plan_changed: "Run sluice deploy again and look at the new plan.",
  encryption_key_configured:
    "Set SLUICE_ENCRYPTION_KEY to the new key and SLUICE_ENCRYPTION_KEY_OLD to the present one, start the daemon again, then sluice keys rotate.",
  rotation_unfinished: "Run sluice keys rotate without a key to end it, then change the key again.",
  invalid_encryption_key: "Make one with: openssl rand -base64 32",
  concurrent_deployment: "Wait until the other deploy has ended.",
}

export function hintFor(code: string, error: WireError): string | undefined {
  if (code === "forbidden" && error.message?.includes("account:"))
    return "Use a key that the daemon's configuration fixes: start it with SLUICE_SECRET_KEY=<key>, and give the same here."
  const wanted = (error.payload as { providerConfigKey?: unknown } | null | undefined)?.providerConfigKey
  if (code === "unknown_provider_config" && typeof wanted === "string")
    return `sluice integrations create ${wanted} --provider <name>`
  return hints[code]
}
