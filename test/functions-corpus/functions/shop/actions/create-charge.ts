import { createAction } from "nango"
import { URLSearchParams } from "url"
import * as z from "zod"

type Echo = { body: string; headers: Record<string, string> }

const Input = z
  .object({
    amount: z.number().positive(),
    currency: z.string().regex(/^[A-Z]{3}$/),
    card: z.string().optional(),
    bank: z.string().optional(),
  })
  .refine(({ card, bank }) => (card === undefined) !== (bank === undefined), { message: "either a card or a bank" })

/** A form from URLSearchParams. */
export default createAction({
  description: "Charges a card or a bank account",
  version: "1.0.0",
  input: Input,
  output: z.object({ form: z.record(z.string(), z.string()), content_type: z.string() }),

  exec: async (nango, input) => {
    const { data } = await nango.zodValidateInput({ zodSchema: Input, input })
    const form = new URLSearchParams({
      amount: String(Math.round(data.amount * 100)),
      currency: data.currency.toLowerCase(),
    })
    form.append("source", data.card ?? data.bank ?? "")
    form.append("metadata[origin]", "functions & corpus")
    const response = await nango.post<Echo>({ endpoint: "/echo", data: form, retries: 0 })
    return {
      form: Object.fromEntries(new URLSearchParams(response.data.body)),
      content_type: response.data.headers["content-type"]?.split(";")[0] ?? "",
    }
  },
})
