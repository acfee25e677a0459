import { createAction } from "nango"
import * as z from "zod"
import { statusOf } from "../../shared/requests/status.js"
import { type ApiContact, toContact } from "../mappers/contact.js"
import { CrmContact } from "../models.js"

const Input = z.object({ id: z.string(), email: z.email().optional(), tags: z.array(z.string()).optional() })

/** An unknown id is the caller's mistake, and is told as such. */
export default createAction({
  description: "Changes a contact",
  version: "1.0.0",
  input: Input,
  output: CrmContact,

  exec: async (nango, { id, ...changes }) => {
    try {
      const endpoint = `/collections/contacts/${encodeURIComponent(id)}`
      const response = await nango.patch<ApiContact>({ endpoint, data: changes, retries: 3 })
      return toContact(response.data)
    } catch (error) {
      if (statusOf(error) !== 404) throw error
      throw new nango.ActionError({
        type: "not_found",
        message: `There is no contact ${id}`,
        details: { id, changed: Object.keys(changes) },
      })
    }
  },
})
