import { z } from "zod"
import { issuesOf } from "../kit/shapes.ts"
import type { ProviderField } from "../providers/model.ts"
import { authFaults } from "./faults.ts"
import type { AuthTarget } from "./mode.ts"

export const longestText = 16_384

/** Reads what a person typed. Throws `invalid_body` with the issues, which never quote a value. */
export function readTyped<T>(shape: z.ZodType<T>, input: unknown): T {
  const parsed = shape.safeParse(input ?? {})
  if (parsed.success) return parsed.data
  throw authFaults.invalid_body({ errors: issuesOf(parsed.error) })
}

const FieldText = z.union([z.string().max(longestText), z.number().transform(String)])
const FieldValue = z.union([FieldText, z.boolean().transform(String), z.record(z.string(), FieldText)])
const Fields = z.record(z.string(), z.unknown())

/**
 * The values of the fields that the provider's entry declares: defaults filled in, values of the integration's own
 * settings left to it, everything else dropped. Throws `invalid_body`, naming each required field that is missing.
 */
export function readFields(target: AuthTarget, input: unknown): Record<string, unknown> {
  const { credentials: fields, integration_config: shared = {} } = target.provider
  const given = readTyped(Fields, input)
  if (!fields) {
    const { type: _, assertionOption: __, ...rest } = given
    return Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, readValue(name, value)]))
  }
  const values: Record<string, unknown> = {}
  const missing: string[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (Object.hasOwn(shared, name)) continue
    const value = given[name] ?? field.default_value
    if (isEmpty(value)) {
      if (isRequired(field)) missing.push(name)
      continue
    }
    values[name] = readValue(name, value)
  }
  if (missing.length === 0) return values
  const errors = missing.map((name) => ({
    code: "invalid_type",
    message: `${fields[name]?.title ?? name} is required`,
    path: [name],
  }))
  throw authFaults.invalid_body({ errors })
}

const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === ""
const isRequired = ({ optional, automated, hidden, default_value }: ProviderField): boolean =>
  !optional && !automated && !(hidden && default_value !== undefined) && default_value !== ""

function readValue(name: string, value: unknown): unknown {
  const parsed = FieldValue.safeParse(value)
  if (parsed.success) return parsed.data
  throw authFaults.invalid_body({ errors: [{ code: "invalid_type", message: "Invalid value", path: [name] }] })
}

/** Values of the integration's own settings for fields that are asked for once and not of each person. */
export function sharedFields({ provider, custom }: AuthTarget): Record<string, string> {
  const names = Object.keys(provider.integration_config ?? {})
  return Object.fromEntries(names.map((name) => [name, custom[name] ?? ""]).filter(([, value]) => value !== ""))
}
