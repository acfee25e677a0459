import { createAction } from "nango"
import * as z from "zod"
import { statusOf } from "../../shared/requests/status.js"
import { CrmContact } from "../models.js"

const Input = z.object({ id: z.string(), name: z.string(), email: z.email() })
const Output = z.object({ contact: CrmContact, created: z.boolean() })

/** Leaves the writing to the other actions of this integration. */
export default createAction({
  description: "Changes a contact, or adds it where there is none",
  version: "1.0.0",
  input: Input,
  output: Output,

  exec: async (nango, { id, name, email }) => {
    const exists = await nango.get({ endpoint: `/collections/contacts/${id}`, retries: 3 }).then(
      () => true,
      (error: unknown) => {
        if (statusOf(error) === 404) return false
        throw error
      },
    )
    const contact = exists
      ? await nango.triggerAction<unknown, CrmContact>(nango.providerConfigKey, nango.connectionId, "update-contact", {
          id,
          email,
        })
      : await nango.triggerAction<unknown, CrmContact>("create-contact", { name, email })
    return { contact, created: !exists }
  },
})
