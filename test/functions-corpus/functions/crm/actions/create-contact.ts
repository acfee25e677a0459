import { createAction } from "nango"
import * as z from "zod"
import { type ApiContact, toContact } from "../mappers/contact.js"
import { CrmContact } from "../models.js"

const Input = z.object({ name: z.string().min(1), email: z.email(), tags: z.array(z.string()).max(5).optional() })

export default createAction({
  description: "Adds a contact",
  version: "1.0.0",
  scopes: ["contacts.write"],
  input: Input,
  output: CrmContact,

  exec: async (nango, input) => {
    const { data } = await nango.zodValidateInput({ zodSchema: Input, input })
    const response = await nango.post<ApiContact>({ endpoint: "/collections/contacts", data, retries: 0 })
    return toContact(response.data)
  },
})
