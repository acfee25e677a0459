import { createSync } from "nango"
import * as z from "zod"
import type { ApiItem } from "../../shared/api-item.js"
import { CrmMappedContact } from "../models.js"

const Metadata = z.object({
  /** Member of the record → path in the API's contact. */
  fields: z.record(z.string(), z.string()),
  only_active: z.boolean().optional(),
})

const at = (value: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>(
      (found, key) => (typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined),
      value,
    )

/** Each customer says in the metadata which fields they want, and under which names. */
export default createSync({
  description: "Contacts with the fields that the customer chose",
  version: "1.0.0",
  frequency: "every 1h",
  autoStart: false,
  metadata: Metadata,
  models: { CrmMappedContact },

  exec: async (nango) => {
    const { fields, only_active = false } = Metadata.parse(await nango.getMetadata())
    for await (const page of nango.paginate<ApiItem>({ endpoint: "/cursor/collections/contacts", retries: 3 })) {
      const contacts = page
        .filter((contact) => contact.active || !only_active)
        .map((contact) => {
          const custom = Object.entries(fields).map(([name, path]) => [name, at(contact, path) ?? null] as const)
          return { id: contact.id, email: contact.email, ...Object.fromEntries(custom) }
        })
      await nango.batchSave(contacts, "CrmMappedContact")
    }
  },
})
