import { randomUUID } from "crypto"
import { createAction } from "nango"
import * as z from "zod"
import { buildMultipart } from "../multipart/build.js"

/** The boundary is another one each time. */
export default createAction({
  description: "Uploads a file",
  version: "1.0.0",
  input: z.object({ name: z.string(), content_base64: z.base64(), folder: z.string().optional() }),
  output: z.object({ bytes: z.int(), sent: z.int(), status: z.int() }),

  exec: async (nango, { name, content_base64, folder }) => {
    const boundary = `----corpus${randomUUID().replaceAll("-", "")}`
    const content = Buffer.from(content_base64, "base64")
    const body = buildMultipart(
      [
        { name: "folder", content: folder ?? "root" },
        { name: "file", content, fileName: name, type: "application/octet-stream" },
      ],
      boundary,
    )
    const response = await nango.post<{ status: number }>({
      endpoint: "/status/201",
      data: body,
      headers: { "Content-Type": `multipart/form-data; boundary=${boundary}` },
      retries: 0,
    })
    return { bytes: content.byteLength, sent: body.byteLength, status: response.data.status }
  },
})
