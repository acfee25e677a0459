import { isoTime } from "../kit/times.ts"
import type { FunctionRow } from "./model.ts"

/** The models of a function as JSON schema (draft 7, without `$schema`), null when it declares none. */
export function schemaOf({ definition }: FunctionRow): Record<string, unknown> | null {
  const { definitions } = definition.modelSchemas
  if (Object.keys(definitions).length === 0) return null
  return { definitions }
}

export const returnsOf = ({ definition }: FunctionRow): string[] => definition.output ?? definition.models ?? []

/** A deployed function as the public API shows it; which members it has depends on its type. */
export function toPublicFunction(row: FunctionRow): Record<string, unknown> {
  const { definition } = row
  const all = {
    id: row.id,
    name: row.name,
    type: row.type,
    description: definition.description,
    scopes: definition.scopes,
    enabled: row.enabled,
    last_deployed: isoTime(row.deployed_at),
    source: row.source,
  }
  if (row.type === "on-event") return { ...all, event: definition.event }
  const typed = { ...all, input: definition.input ?? undefined, returns: returnsOf(row), json_schema: schemaOf(row) }
  if (row.type === "action") return typed
  return {
    ...typed,
    runs: definition.frequency ?? null,
    auto_start: definition.autoStart,
    track_deletes: definition.trackDeletes,
  }
}
