import { createAction } from "nango"
import unzipper from "unzipper"
import * as z from "zod"
import { sha256 } from "../../shared/signing/digest.js"

const Output = z.array(z.object({ path: z.string(), bytes: z.int(), sha256: z.string() }))

/** Opens a downloaded archive in memory. */
export default createAction({
  description: "Lists the files of an archive",
  version: "1.0.0",
  input: z.object({ archive: z.string() }),
  output: Output,

  exec: async (nango, { archive }) => {
    const response = await nango.get<Buffer>({
      endpoint: `/archives/${encodeURIComponent(archive)}`,
      responseType: "arraybuffer",
      retries: 3,
    })
    const directory = await unzipper.Open.buffer(Buffer.from(response.data))
    const listed: z.infer<typeof Output> = []
    for (const file of directory.files) {
      const content = await file.buffer()
      listed.push({ path: file.path, bytes: content.byteLength, sha256: sha256(content) })
    }
    return listed
  },
})
