import type { OldAccount } from "../models"

export type Row = {
  id: string
  number?: number
  name: string
  tags?: string[]
  nested?: { owner: { id: string } }
  status?: string
  updated_at: string
}

export function toAccount(row: Row): OldAccount {
  const owner = row.nested?.owner.id
  return {
    id: row.id,
    name: row.name,
    employees: (row.number ?? 0) * 10,
    tags: row.tags ?? [],
    ...(owner && { owner }),
  }
}
