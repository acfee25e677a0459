import type { ApiItem } from "../../shared/api-item.js"
import { splitName } from "../../shared/text/names/split.js"
import type { CrmContact } from "../models.js"

/** What a contact that was made through the API may lack. */
export type ApiContact = Pick<ApiItem, "id" | "name" | "email" | "updated_at"> & Partial<ApiItem>

export function toContact(contact: ApiContact): CrmContact {
  const { given, family } = splitName(contact.name)
  return {
    id: contact.id,
    given_name: given,
    family_name: family,
    email: contact.email.toLowerCase(),
    city: contact.nested?.address.city ?? null,
    tags: contact.tags ?? [],
    updated_at: contact.updated_at,
  }
}
