import type { Contact } from "../../models.js"

export type ApiContact = {
  id: string
  name: string
  email: string
  status?: string
  tags?: string[]
  nested?: { address?: { city?: string } }
  updated_at: string
}

export function toContact(contact: ApiContact): Contact {
  return {
    id: contact.id,
    name: contact.name,
    email: contact.email,
    status: contact.status ?? "new",
    city: contact.nested?.address?.city ?? null,
    tags: contact.tags ?? [],
    updatedAt: contact.updated_at,
  }
}
