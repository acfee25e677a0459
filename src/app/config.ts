import { existsSync, readFileSync } from "node:fs"
import { parse as parseYaml, YAMLParseError } from "yaml"
import type { z } from "zod"
import { sha256Hex } from "../kit/crypto.ts"
import { defineFaults, messageOf } from "../kit/errors.ts"
import { type Setting, type SettingKey, settings, type SettingValues } from "./settings.ts"

export type Origin = "flag" | "environment" | "file" | "default"

export type Config = Readonly<SettingValues> & {
  /** SHA-256 of a secret key given by the configuration → name of its environment. */
  fixedKeys: ReadonlyMap<string, string>
  /** Where each value came from. */
  origins: Readonly<Record<SettingKey, Origin>>
  /** Proxies that outbound requests go through. */
  proxies: { http?: string; https?: string; no?: string }
}

const faults = defineFaults({ invalid_configuration: [400, "The configuration has errors."] })

const configFile = "sluice.yaml"

/**
 * Reads every setting once, before anything is opened: flag, then environment (also `…_FILE`), then `sluice.yaml`, then
 * the default. All bad values are reported together (`invalid_configuration`).
 */
export function loadConfig(input: {
  flags: Partial<Record<SettingKey, unknown>>
  env: Record<string, string | undefined>
  file?: string
}): Config {
  const problems: string[] = []
  const path = input.file ?? input.env.SLUICE_CONFIG
  const file = readFile(path, problems)
  const values = {} as SettingValues
  const origins = {} as Record<SettingKey, Origin>
  for (const [key, setting] of Object.entries(settings) as [SettingKey, Setting][]) {
    const found = findValue(key, setting, { ...input, file, fileName: path ?? configFile }, problems)
    origins[key] = found.origin
    if (found.unreadable) continue
    const parsed = setting.schema.safeParse(found.value)
    if (parsed.success) Object.assign(values, { [key]: parsed.data })
    else {
      const shown = setting.secret ? "" : ` (it is ${JSON.stringify(found.value)})`
      problems.push(`${found.name}: ${sentence(parsed.error)}${shown}`)
    }
  }
  for (const name of Object.keys(file))
    if (!Object.hasOwn(settings, name)) problems.push(`${path ?? configFile}: there is no setting "${name}"`)
  const fixedKeys = readFixedKeys(input.env, values.secretKey, problems)
  if (problems.length > 0) {
    throw faults.invalid_configuration({
      message: `The configuration has ${problems.length === 1 ? "an error" : `${problems.length} errors`}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
      hint: "sluice serve --help lists every setting.",
    })
  }
  return Object.freeze({
    ...values,
    fixedKeys,
    origins,
    proxies: readProxies(input.env),
  })
}

type Source = {
  flags: Partial<Record<SettingKey, unknown>>
  env: Record<string, string | undefined>
  file: Record<string, unknown>
  fileName: string
}
type Found = { value: unknown; origin: Origin; name: string; unreadable?: boolean }

function findValue(key: SettingKey, setting: Setting, source: Source, problems: string[]): Found {
  if (source.flags[key] !== undefined) return { value: source.flags[key], origin: "flag", name: setting.flag ?? key }
  for (const name of [setting.name, ...(setting.aliases ?? [])]) {
    const value = source.env[name]
    if (value !== undefined && value !== "") return { value, origin: "environment", name }
    const path = source.env[`${name}_FILE`]
    if (path === undefined || path === "") continue
    const text = readSecretFile(`${name}_FILE`, path, problems)
    return { value: text, origin: "environment", name: `${name}_FILE`, unreadable: text === undefined }
  }
  const filed = source.file[key]
  if (filed !== undefined && filed !== null) return { value: filed, origin: "file", name: `${source.fileName}: ${key}` }
  return { value: setting.default, origin: "default", name: setting.name }
}

function readSecretFile(name: string, path: string, problems: string[]): string | undefined {
  try {
    return readFileSync(path, "utf8").trim()
  } catch (error) {
    problems.push(`${name}: the file ${path} cannot be read (${(error as Error).message})`)
    return undefined
  }
}

function readFile(path: string | undefined, problems: string[]): Record<string, unknown> {
  const name = path ?? configFile
  if (path === undefined && !existsSync(name)) return {}
  try {
    const value: unknown = parseYaml(readFileSync(name, "utf8"))
    if (value === null) return {}
    if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>
    problems.push(`${name}: it must hold settings, one per line`)
  } catch (error) {
    problems.push(`${name}: ${describeFailure(error)}`)
  }
  return {}
}

/** The parser's own sentences quote the file, and the file may hold secrets. */
function describeFailure(error: unknown): string {
  if (!(error instanceof YAMLParseError)) return messageOf(error)
  const [at] = error.linePos ?? []
  return `it is not valid YAML (${error.code}${at ? ` in line ${at.line}, column ${at.col}` : ""})`
}

const shortestKey = 8

/** Secret keys that the configuration fixes: `NANGO_SECRET_KEY_<ENV>` (also `…_FILE`), and `SLUICE_SECRET_KEY` for dev. */
function readFixedKeys(
  env: Record<string, string | undefined>,
  secretKey: string | undefined,
  problems: string[],
): Map<string, string> {
  const keys = new Map<string, string>()
  if (secretKey) keys.set(sha256Hex(secretKey), "dev")
  for (const [name, given] of Object.entries(env)) {
    const [, suffix, isFile] = /^NANGO_SECRET_KEY_([A-Z0-9_]+?)(_FILE)?$/.exec(name) ?? []
    const value = given && isFile ? readSecretFile(name, given, problems) : given
    if (!suffix || !value) continue
    const environment = suffix.toLowerCase()
    const other = keys.get(sha256Hex(value))
    if (value.length < shortestKey) problems.push(`${name}: the key must have ${shortestKey} characters or more`)
    else if (other !== undefined && other !== environment)
      problems.push(`${name}: the environment "${other}" has the same key`)
    else keys.set(sha256Hex(value), environment)
  }
  return keys
}

function readProxies(env: Record<string, string | undefined>): Config["proxies"] {
  const read = (name: string) => env[name] || env[name.toLowerCase()] || undefined
  return { http: read("HTTP_PROXY"), https: read("HTTPS_PROXY"), no: read("NO_PROXY") }
}

const sentence = (error: z.ZodError): string => error.issues.map((issue) => issue.message).join("; ")
