import { createHash } from "crypto"
import { createAction } from "nango"
import * as z from "zod"

/** A form as text, and a key by which the shop knows a repeated call. */
export default createAction({
  description: "Refunds a charge",
  version: "1.0.0",
  input: z.object({ charge: z.string(), reason: z.enum(["duplicate", "requested"]), note: z.string().optional() }),
  output: z.object({ body: z.string(), idempotency_key: z.string().optional() }),

  exec: async (nango, { charge, reason, note }) => {
    const form = new URLSearchParams()
    form.set("charge", charge)
    form.set("reason", reason)
    if (note !== undefined) form.set("note", note)
    const key = createHash("sha1").update(`${charge}:${reason}`).digest("base64url")
    const response = await nango.post({
      endpoint: "/echo",
      data: form.toString(),
      headers: { "Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": key },
      retries: 3,
    })
    return { body: response.data.body, idempotency_key: response.data.headers["idempotency-key"] }
  },
})
