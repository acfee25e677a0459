import { createAction } from "nango"
import * as z from "zod"
import { Contact } from "../../models.js"
import { type ApiContact, toContact } from "../mappers/contact.js"

const Input = z.object({
  name: z.string().min(1),
  email: z.email(),
  tags: z.array(z.string()).optional(),
})

export default createAction({
  description: "Adds a contact at the fake provider",
  version: "1.0.0",
  input: Input,
  output: Contact,

  exec: async (nango, input) => {
    const { data } = await nango.zodValidateInput({ zodSchema: Input, input })
    const response = await nango.post<ApiContact>({ endpoint: "/items", data, retries: 0 })
    return toContact(response.data)
  },
})
