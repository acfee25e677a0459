import type { FieldEntries, FieldEntry, Integration, Provider, Session } from "./model.ts"
import type { TextKey } from "./texts.ts"

/** Where a value goes: into the body, its `assertionOption`, or the query as `params[name]`. */
export type Group = "credentials" | "assertion" | "config"

/** One input of the form, ready to be shown. */
export type Field = Omit<FieldEntry, "title"> & {
  group: Group
  name: string
  /** Unique within the form. */
  id: string
  /** Own title of the catalogue or the integration; else `titleKey` names a translated one. */
  title?: string
  titleKey?: TextKey
  helpKey?: TextKey
  /** A key or certificate, which has lines: an input would join them. */
  isLong: boolean
}

/** What a person is asked, and what is sent without asking. */
export type FormPlan = { fields: Field[]; fixed: { group: Group; name: string; value: string }[] }
export type Values = Record<string, string>

/** What is being connected, with all that was typed for it so far. */
export type Target = {
  integration: Integration
  provider: Provider
  plan: FormPlan
  values: Values
  /** Of AWS roles: what the role's owner must put into its trust policy. */
  externalId?: string
}

type Own = FieldEntry & { titleKey: TextKey; helpKey?: TextKey }

const userName: Own = { titleKey: "username" }
const password: Own = { titleKey: "password", secret: true }

/** Credentials that a mode asks for whether or not the catalogue describes them, in this order. */
const ownCredentials: Record<string, Record<string, Own>> = {
  API_KEY: { apiKey: { titleKey: "apiKey", secret: true } },
  BASIC: { username: userName, password },
  SIGNATURE: { username: userName, password },
  OAUTH2_CC: {
    client_id: { titleKey: "clientId" },
    client_secret: { titleKey: "clientSecret", secret: true },
    client_certificate: { titleKey: "clientCertificate" },
    client_private_key: { titleKey: "clientPrivateKey", secret: true },
  },
  TBA: {
    token_id: { titleKey: "tokenId", secret: true },
    token_secret: { titleKey: "tokenSecret", secret: true },
    oauth_client_id_override: { titleKey: "clientIdOverride", optional: true },
    oauth_client_secret_override: { titleKey: "clientSecretOverride", optional: true, secret: true },
  },
  BILL: {
    username: userName,
    password,
    organization_id: { titleKey: "organizationId" },
    dev_key: { titleKey: "devKey", secret: true },
  },
  AWS_SIGV4: {
    role_arn: {
      titleKey: "roleArn",
      helpKey: "roleArnHelp",
      example: "arn:aws:iam::123456789012:role/name",
      pattern: "^arn:[a-z-]+:iam::\\d{12}:role/.+$",
    },
    region: { titleKey: "region", example: "us-east-1", pattern: "^[a-z0-9-]{1,64}$", optional: true },
  },
}

/** A client that signs with a key has no secret, unless a certificate says that the key belongs to the connection's TLS. */
function isAsked(mode: string, name: string, declared: FieldEntries): boolean {
  if (mode !== "OAUTH2_CC") return true
  if (name === "client_certificate") return name in declared
  if (name === "client_private_key") return name in declared
  if (name !== "client_secret") return true
  return name in declared || !("client_private_key" in declared) || "client_certificate" in declared
}

function credentialEntries({ auth_mode, credentials = {} }: Provider): Record<string, FieldEntry & Partial<Own>> {
  const own = Object.entries(ownCredentials[auth_mode] ?? {}).filter(([name]) => isAsked(auth_mode, name, credentials))
  const merged = own.map(([name, entry]) => [name, { ...entry, ...credentials[name] }] as const)
  return { ...credentials, ...Object.fromEntries(merged) }
}

type Asked = { provider: Provider; integration: Integration; session: Session }

/**
 * Which inputs the form has: by their order, then where the account is before what opens it, each as the catalogue lists
 * them. Fields that the daemon fills, that the owner has decided, or that the integration brings along are left out;
 * hidden ones are sent with their default.
 */
export function planForm({ provider, integration, session }: Asked): FormPlan {
  const given = session.integrations_config_defaults?.[integration.unique_key]?.connection_config ?? {}
  const brought = [...(integration.preconfigured_credentials ?? []), ...Object.keys(provider.integration_config ?? {})]
  const groups: [Group, Record<string, FieldEntry & Partial<Own>>][] = [
    ["config", omit(provider.connection_config ?? {}, Object.keys(given))],
    ["credentials", omit(credentialEntries(provider), brought)],
    ["assertion", provider.assertion_option ?? {}],
  ]
  const plan: FormPlan = { fields: [], fixed: [] }
  for (const [group, entries] of groups) {
    for (const [name, entry] of Object.entries(entries)) {
      if (entry.automated) continue
      if (entry.hidden) {
        if (entry.default_value !== undefined) plan.fixed.push({ group, name, value: textOf(entry.default_value) })
        continue
      }
      const label = group === "credentials" ? integration.credentials_label?.[name] : undefined
      plan.fields.push({
        ...entry,
        group,
        name,
        id: `${group}-${name}`,
        title: label ?? entry.title ?? (entry.titleKey ? undefined : name),
        isLong: isLong(name, entry),
      })
    }
  }
  plan.fields.sort((a, b) => orderOf(a) - orderOf(b))
  return plan
}

const orderOf = (field: Field): number => field.order ?? 99

const omit = <T>(entries: Record<string, T>, names: string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => !names.includes(name)))

const isLong = (name: string, { example }: FieldEntry): boolean =>
  /private_?key|certificate|_pem$/i.test(name) || String(example ?? "").includes("-----BEGIN")

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))

/** What stands in the inputs before anybody has typed. */
export const initialValues = ({ fields }: FormPlan): Values =>
  Object.fromEntries(fields.map(({ id, default_value: value }) => [id, value === undefined ? "" : textOf(value)]))

/** The fields that are asked with these values: some depend on another field of their group. */
export const visibleFields = ({ fields, fixed }: FormPlan, values: Values): Field[] =>
  fields.filter(({ group, visible_when: when }) => {
    if (!when) return true
    const set = fixed.find((one) => one.group === group && one.name === when.field)?.value
    return (values[`${group}-${when.field}`] ?? set ?? "") === String(when.equals)
  })
