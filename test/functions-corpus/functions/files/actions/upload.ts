import { randomUUID } from "crypto"
import { createAction } from "nango"
import * as z from "zod"
import { buildMultipart } from "../multipart/build.js"

/** The boundary is another one each time. */
export default createAction({
  description: "Uploads a file",
  version: "1.0.0",
  input: z.object({ name: z.string(), content_base64: z.base64(), folder: z.string().optional() }),
  output: z.object({ bytes: z.int(), parts: z.int(), type: z.string() }),

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
    const { data } = await nango.post<{ body: string; headers: Record<string, string> }>({
      endpoint: "/echo",
      data: body,
      headers: { "Content-Type": `multipart/form-data; boundary=${boundary}` },
      retries: 0,
    })
    const received = data.headers["content-type"] ?? ""
    const used = received.split("boundary=")[1] ?? "none"
    return {
      bytes: content.byteLength,
      parts: data.body.split(`--${used}\r\n`).length - 1,
      type: received.split(";")[0] ?? "",
    }
  },
})
