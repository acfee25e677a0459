/** The access of one end user to one integration. */
export interface Connection {
  id: number
  connection_id: string
  provider_config_key: string
  provider: string
  credentials: Credentials
  connection_config: Record<string, any>
  metadata: any
  tags: Record<string, string>
  errors: { type: string; log_id: string }[]
  end_user: any
  created_at: string
  updated_at: string
  [name: string]: any
}

/** Which members there are depends on `type`. */
export interface Credentials {
  type:
    | ("OAUTH2" | "OAUTH2_CC" | "OAUTH1" | "APP" | "APP_STORE" | "BASIC" | "API_KEY" | "JWT" | "TBA")
    | ("TWO_STEP" | "SIGNATURE" | "BILL" | "TABLEAU" | "CUSTOM" | "AWS_SIGV4" | "INSTALL_PLUGIN" | "NONE")
    | (string & {})
  access_token?: any
  refresh_token?: any
  expires_at?: any
  token?: any
  apiKey?: any
  username?: any
  password?: any
  oauth_token?: any
  oauth_token_secret?: any
  /** The provider's answer as it came. */
  raw?: any
  [name: string]: any
}

/** A provider with the owner's own settings. */
export interface Integration {
  unique_key: string
  display_name: string
  provider: string
  logo: string
  created_at: string
  updated_at: string
  webhook_url?: string | null
  credentials?: any
  [name: string]: any
}

export type SyncReference = string | { name: string; variant?: string | undefined }
export type TriggerOptions =
  | { reset?: boolean | undefined; emptyCache?: boolean | undefined }
  | (boolean | "incremental" | "full_refresh" | "full_refresh_and_clear_cache")
