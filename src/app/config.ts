import { existsSync, readFileSync } from "node:fs"
import { parse as parseYaml } from "yaml"
import type { z } from "zod"
import { sha256Hex } from "../kit/crypto.ts"
import { defineFaults } from "../kit/errors.ts"
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
  const file = readFile(input.file ?? input.env.SLUICE_CONFIG, problems)
  const values = {} as SettingValues
  const origins: Record<string, Origin> = {}
  for (const [key, setting] of Object.entries(settings) as [SettingKey, Setting][]) {
    const found = findValue(key, setting, { ...input, file }, problems)
    const parsed = setting.schema.safeParse(found.value)
    if (parsed.success) Object.assign(values, { [key]: parsed.data })
    else
      problems.push(
        `${found.name}: ${sentence(parsed.error)}${setting.secret ? "" : ` (it is ${JSON.stringify(found.value)})`}`,
      )
    origins[key] = found.origin
  }
  for (const name of Object.keys(file))
    if (!(name in settings)) problems.push(`${configFile}: there is no setting "${name}"`)
  if (problems.length > 0) {
    throw faults.invalid_configuration({
      message: `The configuration has ${problems.length === 1 ? "an error" : `${problems.length} errors`}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
      hint: "sluice serve --help lists every setting.",
    })
  }
  return Object.freeze({
    ...values,
    fixedKeys: readFixedKeys(input.env, values.secretKey),
    origins: origins as Record<SettingKey, Origin>,
    proxies: readProxies(input.env),
  })
}

type Source = {
  flags: Partial<Record<SettingKey, unknown>>
  env: Record<string, string | undefined>
  file: Record<string, unknown>
}

function findValue(
  key: SettingKey,
  setting: Setting,
  source: Source,
  problems: string[],
): { value: unknown; origin: Origin; name: string } {
  if (source.flags[key] !== undefined) return { value: source.flags[key], origin: "flag", name: setting.flag ?? key }
  for (const name of [setting.name, ...(setting.aliases ?? [])]) {
    const value = source.env[name]
    if (value !== undefined && value !== "") return { value, origin: "environment", name }
    const path = source.env[`${name}_FILE`]
    if (path !== undefined && path !== "")
      return { value: readSecretFile(`${name}_FILE`, path, problems), origin: "environment", name }
  }
  if (source.file[key] !== undefined) return { value: source.file[key], origin: "file", name: `${configFile}: ${key}` }
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
    problems.push(`${name}: ${(error as Error).message}`)
  }
  return {}
}

function readFixedKeys(env: Record<string, string | undefined>, secretKey: string | undefined): Map<string, string> {
  const keys = new Map<string, string>()
  for (const [name, value] of Object.entries(env)) {
    const environment = /^NANGO_SECRET_KEY_([A-Z0-9_]+)$/.exec(name)?.[1]
    if (environment && value) keys.set(sha256Hex(value), environment.toLowerCase())
  }
  if (secretKey) keys.set(sha256Hex(secretKey), "dev")
  return keys
}

function readProxies(env: Record<string, string | undefined>): Config["proxies"] {
  const read = (name: string) => env[name] || env[name.toLowerCase()] || undefined
  return { http: read("HTTP_PROXY"), https: read("HTTPS_PROXY"), no: read("NO_PROXY") }
}

const sentence = (error: z.ZodError): string => error.issues.map((issue) => issue.message).join("; ")
