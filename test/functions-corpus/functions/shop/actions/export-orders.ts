import { createAction } from "nango"
import * as z from "zod"

type Export = { id: string; status: "running" | "done" | "failed"; file?: string }

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const mostTries = 20

/** The shop writes the export in the background: asked again until it is there, then fetched as text. */
export default createAction({
  description: "Exports orders as CSV",
  version: "1.0.0",
  input: z.object({ year: z.int() }),
  output: z.array(z.object({ order: z.string(), total: z.number() })),

  exec: async (nango, { year }) => {
    const started = await nango.post<Export>({ endpoint: "/exports", data: { year }, retries: 0 })
    let job = started.data
    for (let tries = 0; job.status === "running"; tries++) {
      if (tries >= mostTries) throw new nango.ActionError({ type: "timeout", message: "The export takes too long" })
      await sleep(20)
      job = (await nango.get<Export>({ endpoint: `/exports/${job.id}`, retries: 3 })).data
    }
    if (job.status === "failed" || job.file === undefined) {
      throw new nango.ActionError({
        type: "export_failed",
        message: "The shop could not write the export",
        details: job,
      })
    }
    const { data } = await nango.get<string>({ endpoint: job.file, responseType: "text", retries: 3 })
    const [, ...lines] = data.trim().split("\n")
    return lines.map((line) => line.split(";")).map(([order = "", total = "0"]) => ({ order, total: Number(total) }))
  },
})
