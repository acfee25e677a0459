import { createAction } from "nango"
import * as z from "zod"
import { sha256, signature } from "../../shared/signing/digest.js"

const endpoint = "/echo"

/** The body goes out as the very text that was signed. */
export default createAction({
  description: "Posts a message with a digest and a signature of its body",
  version: "1.0.0",
  input: z.object({ channel: z.string(), text: z.string().trim().min(1) }),
  output: z.object({ digest: z.string(), signature: z.string(), received: z.string() }),

  exec: async (nango, { channel, text }) => {
    const connection = await nango.getConnection()
    const workspace = String(connection.connection_config["workspace"] ?? "none")
    const body = JSON.stringify({ channel, text: text.trim() })
    const digest = sha256(body)
    const signed = signature(workspace, ["POST", endpoint, digest])
    const { data } = await nango.post<{ body: string }>({
      endpoint,
      data: body,
      headers: { "Content-Type": "application/json", "X-Digest": digest, "X-Signature": signed },
      retries: 0,
    })
    return { digest, signature: signed, received: data.body }
  },
})
