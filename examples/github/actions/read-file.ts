import { createHash } from "crypto"
import { createAction } from "nango"
import * as z from "zod"
import { pathOf, Repository } from "../repository.js"

const Input = Repository.extend({ path: z.string().min(1), ref: z.string().optional() })

export default createAction({
  description: "Reads a file of a repository as it is, whatever it contains",
  version: "1.0.0",
  scopes: ["repo"],
  input: Input,
  output: z.object({ path: z.string(), bytes: z.number(), sha256: z.string(), base64: z.string() }),

  exec: async (nango, { path, ref, ...repository }) => {
    const response = await nango.get<Buffer>({
      // https://docs.github.com/en/rest/repos/contents#get-repository-content
      endpoint: `${pathOf(repository)}/contents/${path.split("/").map(encodeURIComponent).join("/")}`,
      params: ref === undefined ? {} : { ref },
      headers: { accept: "application/vnd.github.raw+json" },
      responseType: "arraybuffer",
      retries: 3,
    })
    const content = Buffer.from(response.data)
    const sha256 = createHash("sha256").update(content).digest("hex")
    return { path, bytes: content.byteLength, sha256, base64: content.toString("base64") }
  },
})
