import { readFileSync } from "node:fs"
import { type Answer, type Client, createClient } from "./client.ts"
import { cliFaults } from "./faults.ts"
import { data } from "./print.ts"

type Env = Record<string, string | undefined>

/** The options that every command has. */
export type GlobalOptions = {
  json?: boolean
  input?: boolean
  url?: string
  secretKey?: string
  secretKeyFile?: string
  env?: string
}

/** What a command gets besides its own options. */
export type Cli = {
  options: () => GlobalOptions
  env: Env
  /** Aborted by Ctrl-C. Whoever asks for it takes over the signal. */
  signal: () => AbortSignal
  /** Sets the exit code; 0 unless told otherwise. */
  end: (code: number) => void
}

/** A client for the daemon that options and environment name. Throws `usage_url` and `usage_secret_key`. */
export function openClient(cli: Cli): Client {
  return createClient({ url: readUrl(cli), secretKey: readKey(cli), signal: cli.signal() })
}

/** `--json` prints the API's answer as it came, everything else goes through `render`. */
export function show<T>(cli: Cli, answer: Answer<T>, render: (body: T) => string): void {
  data(cli.options().json ? answer.text : render(answer.body))
}

const defaultUrl = "http://localhost:3003"

export function readUrl(cli: Cli): string {
  const text = cli.options().url ?? (cli.env.SLUICE_HOST || cli.env.NANGO_HOSTPORT || defaultUrl)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === "http:" || url?.protocol === "https:") return text.replace(/\/+$/, "")
  throw cliFaults.usage_url({ message: `"${text}" is not an http or https URL.`, hint: `--url ${defaultUrl}` })
}

/** The key that was given, or undefined. The flag goes before the environment, `--env` chooses among keys. */
export function findKey(cli: Cli): string | undefined {
  const { secretKey, secretKeyFile, env } = cli.options()
  if (secretKey !== undefined) return secretKey
  if (secretKeyFile !== undefined) return readTextFile(secretKeyFile)
  const suffix = env?.toUpperCase().replaceAll("-", "_")
  const names = suffix
    ? [`SLUICE_SECRET_KEY_${suffix}`, `NANGO_SECRET_KEY_${suffix}`]
    : ["SLUICE_SECRET_KEY", "NANGO_SECRET_KEY", "NANGO_SECRET_KEY_DEV"]
  for (const name of names) {
    if (cli.env[name]) return cli.env[name]
    const file = cli.env[`${name}_FILE`]
    if (file) return readTextFile(file)
  }
  return undefined
}

function readKey(cli: Cli): string {
  const key = findKey(cli)
  if (key !== undefined && key !== "") return key
  const { env } = cli.options()
  const name = env ? `SLUICE_SECRET_KEY_${env.toUpperCase().replaceAll("-", "_")}` : "SLUICE_SECRET_KEY"
  throw cliFaults.usage_secret_key({
    message: env ? `No secret key of the environment ${env} was given.` : "No secret key was given.",
    hint: `export ${name}=<key>, or add --secret-key <key>. The daemon prints its keys once, at its first start.`,
  })
}

/** The text of a file without the line end; `-` reads stdin. Throws `usage_input`. */
export function readTextFile(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8").replace(/\r?\n$/, "")
  } catch (cause) {
    const what = path === "-" ? "stdin" : `the file ${path}`
    throw cliFaults.usage_input({ message: `Cannot read ${what}: ${(cause as Error).message}`, cause })
  }
}
