import { createAction } from "nango"
import * as z from "zod"

/** Bytes come as a Buffer. */
export default createAction({
  description: "Downloads a file",
  version: "1.0.0",
  input: z.object({ bytes: z.int().max(1000) }),
  output: z.object({ size: z.int(), base64: z.string(), media_type: z.string() }),

  exec: async (nango, { bytes }) => {
    const response = await nango.get<Buffer>({ endpoint: `/bytes/${bytes}`, responseType: "arraybuffer", retries: 3 })
    const content = Buffer.isBuffer(response.data) ? response.data : Buffer.from(response.data)
    return {
      size: content.byteLength,
      base64: content.toString("base64"),
      media_type: String(response.headers["content-type"]),
    }
  },
})
