import * as z from "zod"

const Person = z.object({
  id: z.string(),
  given_name: z.string(),
  family_name: z.string(),
  email: z.string(),
  city: z.string().nullable(),
})

export const CrmContact = Person.extend({ tags: z.array(z.string()), updated_at: z.string() })
export type CrmContact = z.infer<typeof CrmContact>

export const CrmCompany = z.object({ id: z.string(), name: z.string(), country: z.string(), active: z.boolean() })
export type CrmCompany = z.infer<typeof CrmCompany>

export const CrmDeal = z.object({
  id: z.string(),
  title: z.string(),
  amount_cents: z.int(),
  stage: z.enum(["new", "open", "won", "lost"]),
  closed: z.boolean(),
})
export type CrmDeal = z.infer<typeof CrmDeal>

export const CrmNote = z.object({ id: z.string(), author: z.string(), created_at: z.string(), updated_at: z.string() })
export type CrmNote = z.infer<typeof CrmNote>

export const CrmOwner = Person.pick({ id: true, given_name: true, family_name: true })
export type CrmOwner = z.infer<typeof CrmOwner>

/** Beside the fixed members, those that the metadata of the connection maps. */
export const CrmMappedContact = z.object({ id: z.string(), email: z.string() }).catchall(z.unknown())
export type CrmMappedContact = z.infer<typeof CrmMappedContact>
