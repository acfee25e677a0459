import { isScalar, type LineCounter, type Node, type Pair } from "yaml"
import type { Diagnostic } from "./diagnostics.ts"
import type { FunctionKind } from "./names.ts"
import type { JsonSchema } from "./schemas.ts"

export type Endpoint = { method: string; path: string; group?: string }

/** A function as nango.yaml declares it. `output` holds model names (or type texts); `runs` is the frequency text. */
export type YamlFunction = {
  type: FunctionKind
  integrationId: string
  name: string
  line: number
  column: number
  description: string
  version?: string
  scopes: string[]
  runs?: string
  input: string | null
  output: string[]
  endpoints: Endpoint[]
  syncType: "full" | "incremental"
  trackDeletes: boolean
  autoStart: boolean
  webhookSubscriptions: string[]
  event?: string
  /** The models that input and output name, as schemas. */
  definitions: Record<string, JsonSchema>
}

/** What the readers of one file share: where nodes stand, and what was found wrong. */
export type YamlReader = {
  file: string
  lines: LineCounter
  errors: Diagnostic[]
  models: ReadonlyMap<string, unknown>
  definitions: Record<string, JsonSchema>
}

/** A finding at a node of the file (1:1 without one). */
export function finding(reader: YamlReader, node: unknown, message: string): Diagnostic {
  const offset = (node as Node | undefined | null)?.range?.[0]
  const at = offset === undefined ? { line: 1, col: 1 } : reader.lines.linePos(offset)
  return { file: reader.file, line: at.line, column: at.col, code: "invalid_nango_yaml", message }
}

export function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : ""
}

/** The text of a scalar node; undefined for other nodes and for null. */
export function scalarText(node: unknown): string | undefined {
  if (!isScalar(node as Node)) return undefined
  const { value } = node as { value: string | number | boolean | null | undefined }
  return value === null || value === undefined ? undefined : String(value)
}
