import type { RunFacts } from "../protocol.ts"
import { SdkError } from "./errors.ts"

type Issue = { code?: unknown; message?: unknown; path?: unknown }
type Result = { success: boolean; error?: { issues?: Issue[] } }
type Schema = { safeParseAsync: (value: unknown) => Promise<Result> }
type Declared = { input?: unknown; output?: unknown; metadata?: unknown; models?: Record<string, unknown> }

const maxIssues = 100

/**
 * Checks what passes through a run against the function's own schemas, as far as the environment asks for it. Nothing is
 * changed by a check: what a schema would coerce or strip stays as it is. What has no zod schema is not checked.
 */
export type Validation = {
  /** The module's default export. */
  declare: (declared: unknown) => void
  /** @throws SdkError `invalid_action_input`. `missing`: there is none, as far as anybody can tell, and `{}` stands for it. */
  checkInput: (input: unknown, missing: boolean) => Promise<void>
  /** @throws SdkError `invalid_action_output` */
  checkOutput: (output: unknown) => Promise<void>
  /** @throws SdkError `invalid_sync_record` for the first one that does not match */
  checkRecords: (model: string, records: unknown[]) => Promise<void>
  /** @throws SdkError `invalid_sync_metadata` */
  checkMetadata: (read: () => Promise<unknown>) => Promise<void>
}

type Warn = (message: string, detail: Record<string, unknown>) => Promise<unknown>

/** A flag of `"warn"` tells `warn` what does not match, and lets it pass. */
export function createValidation(flags: RunFacts["runnerFlags"] = {}, warn: Warn = async () => undefined): Validation {
  let declared: Declared = {}
  const refuse = async (flag: boolean | "warn" | undefined, error: SdkError) => {
    if (flag !== "warn") throw error
    await warn(error.message, { code: error.code, ...(error.payload as object) })
  }
  return {
    declare(value) {
      declared = typeof value === "object" && value !== null ? value : {}
    },
    async checkInput(input, missing) {
      const schema = flags.validateActionInput ? asSchema(declared.input) : undefined
      if (!schema) return
      const issues = await issuesOf(schema, input)
      if (issues.length === 0 || (missing && (await issuesOf(schema, undefined)).length === 0)) return
      const error = new SdkError("invalid_action_input", "The input does not match the action's schema", { issues })
      await refuse(flags.validateActionInput, error)
    },
    async checkOutput(output) {
      const schema = flags.validateActionOutput ? asSchema(declared.output) : undefined
      const issues = schema ? await issuesOf(schema, output) : []
      if (issues.length === 0) return
      const error = new SdkError("invalid_action_output", "The output does not match the action's schema", { issues })
      await refuse(flags.validateActionOutput, error)
    },
    async checkRecords(model, records) {
      const schema = flags.validateSyncRecords ? asSchema(declared.models?.[model]) : undefined
      if (!schema) return
      for (const [index, record] of records.entries()) {
        const issues = await issuesOf(schema, withoutMetadata(record))
        if (issues.length === 0) continue
        const message = `Record ${index} of model "${model}" does not match the model's schema`
        return refuse(flags.validateSyncRecords, new SdkError("invalid_sync_record", message, { model, index, issues }))
      }
    },
    async checkMetadata(read) {
      const schema = flags.validateSyncMetadata ? asSchema(declared.metadata) : undefined
      if (!schema) return
      const metadata = await read()
      const issues = await issuesOf(schema, metadata)
      const none = Object.keys(metadata ?? {}).length === 0
      if (issues.length === 0 || (none && (await issuesOf(schema, undefined)).length === 0)) return
      const message = "The connection's metadata does not match the sync's schema"
      await refuse(flags.validateSyncMetadata, new SdkError("invalid_sync_metadata", message, { issues }))
    },
  }
}

/** Schemas do not know of the metadata that records carry when they were read back. */
function withoutMetadata(record: unknown): unknown {
  if (typeof record !== "object" || record === null || !Object.hasOwn(record, "_nango_metadata")) return record
  const { _nango_metadata: _, ...own } = record as Record<string, unknown>
  return own
}

function asSchema(value: unknown): Schema | undefined {
  if (typeof value !== "object" || value === null || !("_zod" in value)) return undefined
  return typeof (value as Partial<Schema>).safeParseAsync === "function" ? (value as unknown as Schema) : undefined
}

/** As the API shows issues: zod's code and sentence, path elements as text. */
async function issuesOf(schema: Schema, value: unknown): Promise<{ code: string; message: string; path: string[] }[]> {
  const result = await schema.safeParseAsync(value)
  if (result.success) return []
  return (result.error?.issues ?? []).slice(0, maxIssues).map(({ code, message, path }) => ({
    code: String(code),
    message: String(message),
    path: Array.isArray(path) ? path.map(String) : [],
  }))
}
