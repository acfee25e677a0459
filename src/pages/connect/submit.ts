import type { FormPlan, Group, Values } from "./fields.ts"
import { visibleFields } from "./fields.ts"
import type { Provider } from "./model.ts"
import { tidy } from "./typed.ts"

/** How a connection is asked for: in a window of the provider, or with what was typed. Paths are relative to the daemon. */
export type Ask =
  | { how: "window"; path: string; query: [string, string][] }
  | { how: "post"; path: string; query: [string, string][]; body?: Record<string, unknown> }

const routes: Record<string, string> = {
  API_KEY: "api-auth/api-key",
  BASIC: "api-auth/basic",
  OAUTH2_CC: "oauth2/auth",
  TWO_STEP: "auth/two-step",
  JWT: "auth/jwt",
  TBA: "auth/tba",
  BILL: "auth/bill",
  SIGNATURE: "auth/signature",
  AWS_SIGV4: "auth/aws-sigv4",
  NONE: "auth/unauthenticated",
}
const outboundRoute = "auth/oauth-outbound"
const windowRoute = "oauth/connect"
/** Modes whose body says what it is. */
const named = ["TWO_STEP", "SIGNATURE"]

/** Whether connecting opens a window of the provider. */
export const opensWindow = ({ auth_mode, installation }: Provider): boolean =>
  installation !== "outbound" && !(auth_mode in routes)

/** The request that makes the connection. Optional fields that were left empty are not sent. */
export function planAsk(input: {
  provider: Provider
  integrationKey: string
  plan: FormPlan
  values: Values
  externalId?: string
}): Ask {
  const { provider, plan } = input
  const parts = partsOf(plan, input.values)
  const query: [string, string][] = Object.entries(parts.config).map(([name, value]) => [`params[${name}]`, value])
  if (input.externalId) query.push(["params[external_id]", input.externalId])
  const key = encodeURIComponent(input.integrationKey)
  if (opensWindow(provider)) return { how: "window", path: `${windowRoute}/${key}`, query }
  if (provider.installation === "outbound") return { how: "post", path: `${outboundRoute}/${key}`, query }
  const path = `${routes[provider.auth_mode]}/${key}`
  if (provider.auth_mode === "NONE") return { how: "post", path, query }
  const body: Record<string, unknown> = { ...bodyDefaults(provider.auth_mode), ...parts.credentials }
  if (named.includes(provider.auth_mode)) body.type = provider.auth_mode
  if (Object.keys(parts.assertion).length > 0) body.assertionOption = parts.assertion
  return { how: "post", path, query, body }
}

/** Both members must be there, also when one of them is empty by nature. */
const bodyDefaults = (mode: string): Record<string, string> => (mode === "BASIC" ? { username: "", password: "" } : {})

function partsOf(plan: FormPlan, values: Values): Record<Group, Values> {
  const parts: Record<Group, Values> = { credentials: {}, assertion: {}, config: {} }
  for (const { group, name, value } of plan.fixed) parts[group][name] = value
  for (const field of visibleFields(plan, values)) {
    const value = tidy(field, values[field.id] ?? "")
    if (value !== "") parts[field.group][field.name] = value
  }
  return parts
}
