import { type Cell, table } from "./print.ts"

export type ShownRecord = Record<string, unknown> & {
  id: string | number
  _nango_metadata: { last_action: string; last_modified_at: string; cursor: string }
}

const mostFields = 5

/** Records as a table: id, what happened last, and the first few fields that hold a plain value. */
export function recordTable(records: ShownRecord[], withHeader = true): string {
  const fields = chooseFields(records)
  const rows = records.map((record): Cell[] => [
    record.id,
    record._nango_metadata.last_action,
    ...fields.map((field) => toCell(record[field])),
  ])
  const text = table(["ID", "ACTION", ...fields.map((field) => field.toUpperCase())], rows)
  return withHeader ? text : text.slice(text.indexOf("\n") + 1)
}

function chooseFields(records: ShownRecord[]): string[] {
  const names = new Set<string>()
  for (const record of records.slice(0, 100)) {
    for (const [name, value] of Object.entries(record)) {
      if (name !== "id" && name !== "_nango_metadata" && isPlain(value)) names.add(name)
    }
  }
  return [...names].slice(0, mostFields)
}

const isPlain = (value: unknown): boolean =>
  ["string", "number", "boolean"].includes(typeof value) || (Array.isArray(value) && value.every(isPlain))

function toCell(value: unknown): Cell {
  if (Array.isArray(value)) return value.join(", ")
  if (typeof value === "object" && value !== null) return JSON.stringify(value)
  return value as Cell
}
