import {
  connectionScope,
  isWholeUrl,
  renderTemplate,
  requestScope,
  type TemplateScope,
  unsafeHostValue,
} from "../providers/template.ts"
import { missingPlaceholders } from "../providers/template.ts"
import { authFaults } from "./faults.ts"
import type { AuthCtx, AuthTarget } from "./mode.ts"

/** The names that templates of a token request may use. Empty values count as missing. */
export function scopeOf(
  ctx: AuthCtx,
  target: AuthTarget,
  names: { credentials?: Record<string, unknown>; more?: Record<string, unknown> } = {},
): TemplateScope {
  const connectionConfig = filled(withDefaults(target))
  const base = connectionScope({ connectionConfig, credentials: names.credentials, request: filled(names.more ?? {}) })
  return requestScope({ ...base, now: ctx.now(), random: crypto.randomUUID() })
}

const filled = (values: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined),
  )

/** The connection's configuration with the defaults of fields that nobody was asked for. */
function withDefaults({ provider, connectionConfig }: AuthTarget): Record<string, unknown> {
  const defaults = Object.entries(provider.connection_config ?? {}).map(([name, field]) => [name, field.default_value])
  return { ...Object.fromEntries(defaults), ...filled(connectionConfig) }
}

/**
 * Fills in the URL of a provider. Values are encoded, so that none can leave its place; one that would change the host
 * is refused. A template that is nothing but a placeholder after the scheme may hold a path as well. Throws
 * `url_param_err`, naming what is missing and never a value.
 */
export function renderUrl(template: string, scope: TemplateScope, options: { raw?: boolean } = {}): URL {
  const isWhole = isWholeUrl(template)
  const unsafe = isWhole ? undefined : unsafeHostValue(template, scope)
  if (unsafe)
    throw authFaults.url_param_err({
      message: `The value of ${unsafe} must be a host name, without scheme, path or user.`,
    })
  const startsUrl = /^\$\{/.test(template.trim())
  const encode = options.raw || isWhole || startsUrl ? undefined : encodeURIComponent
  const { text, complete } = renderTemplate(template, scope, { encode })
  if (!complete) {
    const missing = missingPlaceholders(template, scope).map((name) => name.replace(/^connectionConfig\./, ""))
    throw authFaults.url_param_err({ message: `The provider's URL needs a value for: ${missing.join(", ")}.` })
  }
  // A host typed with its port was encoded as one text.
  const url = URL.parse(text) ?? URL.parse(decodeOnce(text))
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw authFaults.url_param_err({ message: "The provider's URL is not a complete http(s) URL." })
  }
  return url
}

function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that starts no escape: the text is no URL in either form.
    return text
  }
}

/** Values of a map as texts, filled in; what cannot be completed is left out. */
export function renderTexts(
  texts: Record<string, unknown> | undefined,
  scope: TemplateScope,
  engine: "object" | "string" = "object",
): Record<string, string> {
  const filled: Record<string, string> = {}
  for (const [name, value] of Object.entries(texts ?? {})) {
    if (value === null || value === undefined) continue
    const { text, complete } = renderTemplate(String(value), scope, { engine })
    if (complete) filled[name] = text
  }
  return filled
}
