import { z } from "zod"
import { parseAllowList } from "../kit/address.ts"
import { parseMasterKey } from "../kit/crypto.ts"
import { pageSettings } from "./page-settings.ts"
import { flag, list, passes, url, whole } from "./setting-shapes.ts"

/** One row for each setting: `--help`, the README table, `sluice.yaml` and validation all come from here. */
export type Setting = {
  name: string
  /** Other environment variables that mean the same, for people who come from Nango. */
  aliases?: string[]
  flag?: string
  default: unknown
  schema: z.ZodType
  help: string
  secret?: boolean
}

export const settings = {
  dataDir: {
    name: "SLUICE_DATA_DIR",
    flag: "--data-dir",
    default: "./sluice-data",
    schema: z.string().min(1),
    help: "Where everything is kept: databases, key file.",
  },
  host: {
    name: "SLUICE_HOST_ADDRESS",
    flag: "--host",
    default: "127.0.0.1",
    schema: z.string().min(1),
    help: "Address to listen on. Use 0.0.0.0 to be reachable from other machines.",
  },
  port: {
    name: "SLUICE_PORT",
    aliases: ["SERVER_PORT"],
    flag: "--port",
    default: 3003,
    schema: whole(0, 65535),
    help: "Port to listen on. 0 takes a free one.",
  },
  serverUrl: {
    name: "SLUICE_SERVER_URL",
    aliases: ["NANGO_SERVER_URL"],
    default: undefined,
    schema: url.optional(),
    help: "The address under which browsers and providers reach this daemon. Default: http://localhost:<port>.",
  },
  ...pageSettings,
  secretKey: {
    name: "SLUICE_SECRET_KEY",
    default: undefined,
    schema: z.string().min(8).optional(),
    help: "Fixes the secret key of the environment dev, for containers and tests. NANGO_SECRET_KEY_<ENV> does it for any environment.",
    secret: true,
  },
  encryptionKey: {
    name: "SLUICE_ENCRYPTION_KEY",
    aliases: ["NANGO_ENCRYPTION_KEY"],
    default: undefined,
    schema: z.string().superRefine(passes(parseMasterKey)).optional(),
    help: "Master key, 32 bytes in base64. Without it a key file is made beside the data at first start.",
    secret: true,
  },
  oldEncryptionKeys: {
    name: "SLUICE_ENCRYPTION_KEY_OLD",
    default: [],
    schema: list.superRefine(passes((keys) => keys.forEach(parseMasterKey))),
    help: "Master keys that were used before, separated by commas. They open what they have sealed until `sluice keys rotate` has ended.",
    secret: true,
  },
  providers: {
    name: "SLUICE_PROVIDERS",
    flag: "--providers",
    default: undefined,
    schema: z.string().optional(),
    help: "Extra catalogue: a folder of <name>.yaml files, or one file with many entries. Its entries override ours.",
  },
  egressAllow: {
    name: "SLUICE_EGRESS_ALLOW",
    flag: "--egress-allow",
    default: [],
    schema: list.superRefine(passes(parseAllowList)),
    help: "Private targets that may be reached: CIDRs, addresses and host names, separated by commas. Nothing private is open by default.",
  },
  logLevel: {
    name: "SLUICE_LOG_LEVEL",
    aliases: ["LOG_LEVEL"],
    flag: "--log-level",
    default: "info",
    schema: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    help: "Level of the process log on stdout.",
  },
  logRetentionDays: {
    name: "SLUICE_LOG_RETENTION_DAYS",
    default: 15,
    schema: whole(1, 3650),
    help: "Days that operations and messages are kept.",
  },
  logMaxMb: {
    name: "SLUICE_LOG_MAX_MB",
    default: 2048,
    schema: whole(1, 1_048_576),
    help: "Size of the log database in MB; beyond it the oldest operations go, however young they are.",
  },
  webhookRetentionDays: {
    name: "SLUICE_WEBHOOK_RETENTION_DAYS",
    default: 30,
    schema: whole(1, 3650),
    help: "Days that webhooks are kept, sent and received, once they are dealt with.",
  },
  runnerWarm: {
    name: "SLUICE_RUNNER_WARM",
    default: 2,
    schema: whole(0, 64),
    help: "Runner processes that are kept ready.",
  },
  runnerMax: {
    name: "SLUICE_RUNNER_MAX",
    default: 32,
    schema: whole(1, 1024),
    help: "Runner processes at most; each carries one run at a time.",
  },
  runnerMemoryMb: {
    name: "SLUICE_RUNNER_MEMORY_MB",
    default: 512,
    schema: whole(64, 65536),
    help: "Memory that one run may use, in MB.",
  },
  syncTimeoutSeconds: {
    name: "SLUICE_SYNC_TIMEOUT_SECONDS",
    default: 86_400,
    schema: whole(1, 604_800),
    help: "Longest sync run, in seconds.",
  },
  webhookTimeoutSeconds: {
    name: "SLUICE_WEBHOOK_TIMEOUT_SECONDS",
    default: 3_600,
    schema: whole(1, 86_400),
    help: "Longest run of a webhook function, in seconds.",
  },
  eventTimeoutSeconds: {
    name: "SLUICE_EVENT_TIMEOUT_SECONDS",
    default: 300,
    schema: whole(1, 86_400),
    help: "Longest run of an event function, in seconds.",
  },
  actionTimeoutSeconds: {
    name: "SLUICE_ACTION_TIMEOUT_SECONDS",
    default: 900,
    schema: whole(1, 86_400),
    help: "Longest action run, in seconds.",
  },
  syncConcurrency: {
    name: "SLUICE_SYNC_CONCURRENCY",
    default: 16,
    schema: whole(1, 1024),
    help: "Sync runs at once in this daemon, and at most this many for one environment.",
  },
  actionConcurrency: {
    name: "SLUICE_ACTION_CONCURRENCY",
    default: 500,
    schema: whole(1, 10_000),
    help: "Actions at once for one environment; beyond it they wait.",
  },
  outputLimitBytes: {
    name: "SLUICE_ACTION_OUTPUT_LIMIT_BYTES",
    default: 2_097_152,
    schema: whole(1024, 104_857_600),
    help: "Largest output of an action, in bytes of JSON.",
  },
  bodyLimitBytes: {
    name: "SLUICE_BODY_LIMIT_BYTES",
    default: 78_643_200,
    schema: whole(1024, 1_073_741_824),
    help: "Largest request body, in bytes.",
  },
  rateLimitPerMinute: {
    name: "SLUICE_RATE_LIMIT_PER_MINUTE",
    default: 600_000,
    schema: whole(0, 1_000_000_000),
    help: "Requests that one key may make in a minute; 0 limits nothing.",
  },
  tokenTimeoutSeconds: {
    name: "SLUICE_TOKEN_TIMEOUT_SECONDS",
    default: 20,
    schema: whole(1, 120),
    help: "Longest wait for a provider to give a token, in seconds.",
  },
  verifyCredentials: {
    name: "SLUICE_VERIFY_CREDENTIALS",
    default: true,
    schema: flag,
    help: "Tries typed and imported credentials at the provider before they are stored, and once a day.",
  },
  connectionCheckMinutes: {
    name: "SLUICE_CONNECTION_CHECK_MINUTES",
    aliases: ["CRON_REFRESH_CONNECTIONS_EVERY_MIN"],
    default: 10,
    schema: whole(0, 1440),
    help: "How often credentials that are about to end or that nobody used for a day are renewed or tried, in minutes; 0 never.",
  },
  webhookIngressPerMinute: {
    name: "SLUICE_WEBHOOK_INGRESS_PER_MINUTE",
    default: 4_000,
    schema: whole(0, 1_000_000_000),
    help: "Webhooks that a provider may send to one integration in a minute; 0 counts nothing. More are only noted in the process log, unless the next setting is on.",
  },
  webhookIngressEnforce: {
    name: "SLUICE_WEBHOOK_INGRESS_ENFORCE",
    aliases: ["NANGO_WEBHOOK_INGRESS_RATE_LIMIT_ENFORCE"],
    default: false,
    schema: flag,
    help: "Answers 429 to webhooks beyond that limit.",
  },
  retryableNetworkErrors: {
    name: "SLUICE_RETRYABLE_NETWORK_ERRORS",
    aliases: ["NANGO_RETRYABLE_NETWORK_ERRORS"],
    default: [],
    schema: list,
    help: "Codes of network errors after which a request is repeated, beside the usual ones.",
  },
  proxyReplayBytes: {
    name: "SLUICE_PROXY_REPLAY_BYTES",
    default: 10_485_760,
    schema: whole(0, 1_073_741_824),
    help: "Largest body of a proxied request that is kept to be sent again, in bytes. A larger one is sent once, whatever Retries says.",
  },
  proxyTimeoutSeconds: {
    name: "SLUICE_PROXY_TIMEOUT_SECONDS",
    default: 300,
    schema: whole(1, 86_400),
    help: "Longest wait of a proxied request for the head of the provider's answer, in seconds. A streamed body has all the time that its caller gives it.",
  },
  checkpointTextLimit: {
    name: "SLUICE_CHECKPOINT_TEXT_LIMIT",
    default: 4000,
    schema: whole(1, 1_000_000),
    help: "Longest text in one field of a checkpoint, in characters.",
  },
  deleteBrake: {
    name: "SLUICE_DELETE_BRAKE",
    default: true,
    schema: flag,
    help: "Stops a run that would mark more than 90 % of a model of at least 1,000 live records as deleted.",
  },
} satisfies Record<string, Setting>

export type SettingKey = keyof typeof settings
export type SettingValues = { [K in SettingKey]: z.output<(typeof settings)[K]["schema"]> }
