import { createAction } from "nango"
import * as z from "zod"
import { Contact } from "../../models.js"
import { type ApiContact, toContact } from "../mappers/contact.js"

export default createAction({
  description: "Finds a contact by its id; null when there is none",
  version: "1.0.0",
  input: z.object({ id: z.string().min(1) }),
  output: Contact.nullable(),

  exec: async (nango, { id }) => {
    try {
      const response = await nango.get<ApiContact>({ endpoint: `/items/${encodeURIComponent(id)}`, retries: 3 })
      return toContact(response.data)
    } catch (error) {
      // Refusals look like axios errors. Anything but "not found" is for the caller to know.
      const { response } = error as { response?: { status: number } }
      if (response?.status === 404) return null
      throw error
    }
  },
})
