import type { Finding } from "./check.ts"
import type { Provider, ProviderField } from "./model.ts"

const sections = ["credentials", "connection_config", "integration_config", "assertion_option"] as const

/** What is wrong with the inputs of an entry: a person must be able to understand each, and its example must fit. */
export function checkFields(provider: Provider): Finding[] {
  return sections.flatMap((section) =>
    Object.entries(provider[section] ?? {}).flatMap(([key, field]) => {
      const path = [section, key]
      const fatal = patternFault(field.pattern)
      const problems = [...fieldProblems(field, provider), ...exampleProblems(field)]
      return [
        ...problems.map((message) => ({ path, message })),
        ...(fatal === undefined ? [] : [{ path: [...path, "pattern"], message: fatal, fatal: true as const }]),
      ]
    }),
  )
}

function fieldProblems(field: ProviderField, provider: Provider): string[] {
  const problems: string[] = []
  const shown = !field.hidden && !field.automated
  if (shown && !field.title) problems.push("needs a title")
  if (shown && !field.description) problems.push("needs a description")
  if (field.hidden && field.default_value === undefined) problems.push("is hidden and needs a default_value")
  if (field.doc_section && !provider.docs_connect) problems.push("has a doc_section, so the entry needs docs_connect")
  if (field.doc_section && !field.doc_section.startsWith("#")) problems.push("has a doc_section that is no #anchor")
  return problems
}

function patternFault(pattern: string | undefined): string | undefined {
  // The engine's own sentence says best why a pattern is no regular expression.
  try {
    if (pattern !== undefined) RegExp(pattern)
    return undefined
  } catch (error) {
    return `is no regular expression: ${(error as Error).message}`
  }
}

const formats: Record<NonNullable<ProviderField["format"]>, (text: string) => boolean> = {
  // A port is what people type where a host name is wanted.
  hostname: (text) => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d+)?$/i.test(text),
  uuid: (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text),
  uri: (text) => URL.canParse(text),
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
}

function exampleProblems({
  example,
  pattern,
  format,
  enum: choices,
  default_value: standard,
}: ProviderField): string[] {
  const problems: string[] = []
  const judge = (what: string, value: unknown) => {
    if (value === undefined || value === "") return
    const text = String(value)
    if (pattern !== undefined && patternFault(pattern) === undefined && !RegExp(pattern).test(text))
      problems.push(`has ${what} that its pattern refuses`)
    if (format !== undefined && !formats[format](text)) problems.push(`has ${what} that is no ${format}`)
    if (choices !== undefined && !choices.map(String).includes(text))
      problems.push(`has ${what} that is not in its enum`)
  }
  judge("an example", example)
  judge("a default_value", standard)
  return problems
}
