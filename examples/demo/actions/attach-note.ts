import { createHash } from "crypto"
import { createAction } from "nango"
import * as z from "zod"

const Output = z.object({ bytes: z.number(), sha256: z.string(), accepted: z.boolean() })

/** A multipart body made by hand: it goes out byte for byte, with the boundary that the header names. */
export default createAction({
  description: "Attaches a text file to a contact",
  version: "1.0.0",
  input: z.object({ contactId: z.string(), fileName: z.string(), text: z.string() }),
  output: Output,

  exec: async (nango, { contactId, fileName, text }) => {
    const file = Buffer.from(text, "utf8")
    const sha256 = createHash("sha256").update(file).digest("hex")
    const boundary = `note-${sha256.slice(0, 24)}`
    const body = Buffer.concat([
      Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="contact"\r\n\r\n${contactId}\r\n`),
      Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${fileName}"\r\n`),
      Buffer.from("content-type: text/plain; charset=utf-8\r\n\r\n"),
      file,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ])
    const response = await nango.post<{ body: string }>({
      endpoint: "/echo",
      data: body,
      headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
      retries: 0,
    })
    return { bytes: file.byteLength, sha256, accepted: response.data.body === body.toString("utf8") }
  },
})
