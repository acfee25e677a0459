import type { AuthMode, Provider, ProviderField } from "./model.ts"
import { providerIdPattern } from "./model.ts"
import { checkFields } from "./check-fields.ts"
import { collectTemplates, isMalformed, isUrlPath, sidesOf, type FoundTemplate } from "./check-templates.ts"
import { checkVariables } from "./check-variables.ts"
import { placeholdersIn, renderTemplate } from "./template.ts"

/**
 * A broken rule: where in the entry, and what is wrong. `fatal`: whoever uses the entry would trip over it; `advice`: it
 * works, but could be better.
 */
export type Finding = { path: string[]; message: string; fatal?: true; advice?: true }

/** Checks one of our own entries (alias resolved). Gives one sentence for each broken rule, none when it is good. */
export function checkProvider(name: string, provider: Provider): string[] {
  const findings = inspectProvider(provider)
    .filter(({ advice }) => !advice)
    .map(({ path, message }) => `${path.join(".")}: ${message}`)
  return providerIdPattern.test(name) ? findings : [`"${name}" is not a provider id`, ...findings]
}

/** All rules for our own entries, as findings with paths. */
export function inspectProvider(provider: Provider): Finding[] {
  const templates = collectTemplates(provider)
  return [
    ...missingForMode(provider),
    ...checkModeConflicts(provider),
    ...checkConfigUse(provider, templates),
    ...checkVariables(provider, templates),
    ...templates.flatMap((found) => checkTemplate(provider, found)),
    ...checkFields(provider),
    ...checkNames(provider),
    ...checkLinks(provider),
    ...checkAdvice(provider),
  ]
}

const required: Partial<Record<AuthMode, string[]>> = {
  OAUTH2: ["authorization_url", "token_url"],
  OAUTH2_CC: ["token_url"],
  API_KEY: ["credentials.apiKey"],
  TWO_STEP: ["token_url", "token_response", "credentials"],
  JWT: ["token", "signature", "credentials"],
  OAUTH1: ["request_url", "authorization_url", "token_url", "signature_method"],
  TBA: ["connection_config.accountId"],
  AWS_SIGV4: ["credentials.role_arn"],
  MCP_OAUTH2: ["authorization_url", "token_url", "client_registration"],
}

/** What an auth mode cannot work without. */
export function missingForMode(provider: Provider): Finding[] {
  const needs = [...(required[provider.auth_mode] ?? [])]
  const outbound = provider.installation === "outbound"
  if (provider.client_registration === "dynamic") needs.push("registration_url")
  return needs
    .filter((need) => !(outbound && need === "authorization_url"))
    .map((need) => need.split("."))
    .filter((path) => !hasPath(provider, path))
    .map((path) => ({
      path,
      message: `is required for ${provider.auth_mode}`,
    }))
}

function hasPath(holder: unknown, path: string[]): boolean {
  let value = holder
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return false
    value = (value as Record<string, unknown>)[key]
  }
  return value !== undefined && value !== null
}

const modesWithoutTypedCredentials = new Set<AuthMode>([
  "OAUTH2",
  "OAUTH1",
  "NONE",
  "APP",
  "CUSTOM",
  "MCP_OAUTH2",
  "MCP_OAUTH2_GENERIC",
  "INSTALL_PLUGIN",
])

function checkModeConflicts(provider: Provider): Finding[] {
  const findings: Finding[] = []
  if (provider.proxy?.verification && provider.credentials_verification_script) {
    findings.push({
      path: ["proxy", "verification"],
      message: "excludes credentials_verification_script",
    })
  }
  if (provider.credentials && modesWithoutTypedCredentials.has(provider.auth_mode)) {
    findings.push({
      path: ["credentials"],
      message: `${provider.auth_mode} asks for no typed credentials`,
    })
  }
  if (provider.auth_mode === "API_KEY" && !usesApiKey(provider)) {
    findings.push({
      path: ["proxy"],
      message: "sends the API key nowhere: use it in headers, query, body or base_url",
    })
  }
  return findings
}

const usesApiKey = ({ proxy }: Provider) =>
  /\$\{(?:credentials\.)?apiKey\}/.test(JSON.stringify([proxy?.base_url, proxy?.headers, proxy?.query, proxy?.body]))

/** Every `connectionConfig.x` is declared or comes from the provider; every declared field is used. */
function checkConfigUse(provider: Provider, templates: FoundTemplate[]): Finding[] {
  const declared = new Set(Object.keys(provider.connection_config ?? {}))
  const known = new Set([
    ...declared,
    ...(provider.token_response_metadata ?? []),
    ...(provider.redirect_uri_metadata ?? []),
    ...(provider.webhook_response_metadata ?? []),
  ])
  const used = new Set<unknown>(namedForCallers(provider))
  const findings: Finding[] = []
  for (const { path, template } of templates) {
    for (const name of placeholdersIn(template)) {
      const key = name.replace(/^connectionConfig\./, "")
      used.add(key)
      if (key !== name && !known.has(key))
        findings.push({
          path,
          message: `\${${name}} is not in connection_config`,
        })
    }
  }
  if (readsConfigElsewhere(provider)) return findings
  for (const key of declared) {
    const automated = provider.connection_config?.[key]?.automated
    if (!used.has(key) && !automated)
      findings.push({
        path: ["connection_config", key],
        message: "is used nowhere",
      })
  }
  return findings
}

/** `proxy.connection_config` names fields that no template needs, but the paths that callers write. */
const namedForCallers = ({ proxy }: Provider): unknown[] =>
  Array.isArray(proxy?.connection_config) ? proxy.connection_config : []

/** Aliases inherit fields; these modes and scripts read the connection config by themselves. */
const readsConfigElsewhere = (provider: Provider) =>
  provider.alias !== undefined ||
  provider.post_connection_script !== undefined ||
  provider.credentials_verification_script !== undefined ||
  ["MCP_OAUTH2_GENERIC", "AWS_SIGV4", "TBA"].includes(provider.auth_mode)

function checkTemplate(provider: Provider, { path, template }: FoundTemplate): Finding[] {
  if (/(?:^|[^$])\{/.test(template)) return [{ path, message: "has a { without a $ before it" }]
  if (isMalformed(template)) return [{ path, message: "has a placeholder that does not close" }]
  if (!isUrlPath(path)) return []
  return sidesOf(template)
    .map((side) => ({
      side,
      text: renderTemplate(side, dummyScope(side, provider)).text,
    }))
    .filter(({ text }) => !isHttpUrl(text))
    .map(({ side, text }) => ({
      path,
      message: `"${side}" makes no URL (with example values: ${text})`,
    }))
}

const isHttpUrl = (text: string) => /^https?:\/\//.test(text) && !/[\s{}]/.test(text) && URL.canParse(text)

/** A flat scope with a plausible value for each placeholder; a template that begins with one gets a whole URL. */
function dummyScope(template: string, provider: Provider): Record<string, unknown> {
  const scope: Record<string, unknown> = {}
  for (const name of placeholdersIn(template)) {
    const field = provider.connection_config?.[name.replace(/^connectionConfig\./, "")]
    scope[name] = template.startsWith(`\${${name}}`) ? "https://api.example.com" : dummyValue(field)
  }
  return scope
}

function dummyValue(field: ProviderField | undefined): string {
  if (field?.format === "hostname") return "host.example.com"
  return String(field?.enum?.[0] ?? field?.example ?? "example")
}

const headerName = /^[a-z0-9_.-]+$/

function checkNames({ proxy, connection_config, credentials }: Provider): Finding[] {
  return [
    ...misnamed(["proxy", "headers"], proxy?.headers, headerName),
    ...misnamed(["proxy", "verification", "headers"], proxy?.verification?.headers, headerName),
    ...misnamed(["connection_config"], connection_config, /^[a-zA-Z_.-]+$/),
    ...misnamed(["credentials"], credentials, /^[a-zA-Z_]+$/),
  ]
}

const misnamed = (path: string[], members: object | undefined, pattern: RegExp): Finding[] =>
  Object.keys(members ?? {})
    .filter((name) => !pattern.test(name))
    .map((name) => ({ path: [...path, name], message: `does not match ${pattern.source}` }))

function checkLinks(provider: Provider): Finding[] {
  return (["docs", "docs_connect", "setup_guide_url"] as const)
    .filter((key) => provider[key] && !isHttpUrl(provider[key]))
    .map((key) => ({ path: [key], message: "is not a URL" }))
}

/** What the public format only warns of. */
function checkAdvice(provider: Provider): Finding[] {
  const findings: Finding[] = []
  const { auth_mode, credentials, proxy } = provider
  const isTyped = ["API_KEY", "BASIC", "SIGNATURE"].includes(auth_mode)
  if (isTyped && !proxy?.verification && !provider.credentials_verification_script) {
    findings.push({ path: ["proxy", "verification"], message: "is missing: wrong credentials are not found out" })
  }
  if (auth_mode === "BASIC" && (!credentials?.username || !credentials.password)) {
    findings.push({ path: ["credentials"], message: "should name username and password" })
  }
  return findings.map((finding) => ({ ...finding, advice: true }))
}
