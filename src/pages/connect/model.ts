/*
 * What the Connect page hears from the daemon, as far as it uses it. Wire names; see `GET /connect/session`,
 * `GET /integrations` and `GET /providers/:provider`.
 */

export type Theme = "light" | "dark"
export type ThemeChoice = Theme | "system"

/** How the operator wants the page to look. `logo_url` is ours, the rest is the public shape. */
export type UiSettings = {
  showWatermark: boolean
  defaultTheme: ThemeChoice
  theme: { light: { primary: string }; dark: { primary: string } }
  logo_url?: string
}

type IntegrationDefaults = { connection_config?: Record<string, unknown> }

export type Session = {
  endUser?: { id: string } | null
  connectUISettings: UiSettings
  allowed_integrations?: string[]
  /** What the owner has already decided for an integration, by its key. */
  integrations_config_defaults?: Record<string, IntegrationDefaults>
  isReconnecting?: boolean
  overrides?: Record<string, { docs_connect?: string }>
  /** Path of the daemon's WebSocket; default `/`. */
  websocketsPath?: string
}

export type Integration = {
  unique_key: string
  provider: string
  display_name?: string | null
  /** Titles of credentials in the owner's own words. */
  credentials_label?: Record<string, string>
  /** Names of credentials that the integration brings along. */
  preconfigured_credentials?: string[]
}

/** One input of a form as the catalogue describes it. */
export type FieldEntry = {
  title?: string
  description?: string
  example?: string | number | boolean
  pattern?: string
  format?: "hostname" | "uuid" | "uri" | "email"
  enum?: (string | number | boolean)[]
  order?: number
  prefix?: string
  suffix?: string
  optional?: boolean
  automated?: boolean
  hidden?: boolean
  default_value?: unknown
  secret?: boolean
  doc_section?: string
  visible_when?: { field: string; equals: string | number | boolean }
}
export type FieldEntries = Record<string, FieldEntry>

export type Provider = {
  display_name: string
  auth_mode: string
  credentials?: FieldEntries
  connection_config?: FieldEntries
  assertion_option?: FieldEntries
  /** Asked once for the integration, so never here. */
  integration_config?: FieldEntries
  installation?: string
  docs_connect?: string
}

/** A connection that was made; `isPending` when the provider still has to approve it. */
export type Connected = { providerConfigKey: string; connectionId: string; isPending?: boolean }

/** One refused value: the path names the field. */
export type Issue = { message: string; path: string[] }

/** Why no connection came about. `type` goes to the owner's page, `message` is shown. */
export class ConnectError extends Error {
  readonly type: string
  readonly status: number
  readonly issues: Issue[]

  constructor(type: string, message: string, status = 0, issues: Issue[] = []) {
    super(message)
    this.type = type
    this.status = status
    this.issues = issues
  }
}
