import { createAction } from "nango"
import * as z from "zod"

const Input = z.looseObject({ id: z.string(), price: z.number().min(0) })

/** PUT, and a read of what is there now. Another base URL than the connection's leads to the same shop. */
export default createAction({
  description: "Replaces a product",
  version: "1.0.0",
  input: Input,
  output: z.object({ id: z.string(), price: z.number(), fields: z.array(z.string()) }),

  exec: async (nango, { id, ...fields }) => {
    const { connection_config } = await nango.getConnection()
    const endpoint = `/items/${id}`
    const baseUrlOverride = `${connection_config["baseUrl"]}/link/`
    const before = await nango.get({ endpoint, retries: 3 })
    await nango.put({ endpoint, data: fields, retries: 3 })
    const { data } = await nango.get({ endpoint, baseUrlOverride, retries: 3 })
    if (data.version !== before.data.version + 1) throw new Error("Somebody else changed the product")
    return { id: data.id, price: data.price, fields: Object.keys(fields).toSorted() }
  },
})
