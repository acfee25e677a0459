import { readFileSync } from "node:fs"
import { join } from "node:path"

const fill = `import { createSync } from "nango"
import { z } from "zod"
import { makeBatch } from "./records.js"

export default createSync({
  description: "Saves records that it makes up",
  version: "1.0.0",
  frequency: "every day",
  autoStart: false,
  models: { Ticket: z.object({ id: z.string() }) },
  exec: async (nango) => {
    const { count, batch, version } = await nango.getMetadata()
    let saveMs = 0
    for (let from = 0; from < count; from += batch) {
      const records = makeBatch(from, Math.min(batch, count - from), version)
      const start = performance.now()
      await nango.batchSave(records, "Ticket")
      saveMs += performance.now() - start
    }
    await nango.updateMetadata({ saveMs })
  },
})
`

const empty = `import { createAction } from "nango"
import { z } from "zod"

export default createAction({
  description: "Does nothing",
  version: "1.0.0",
  input: z.object({}),
  output: z.null(),
  exec: async () => null,
})
`

/** The project that the benchmark deploys. The records are made by the same file that the raw loop uses. */
export const project: Record<string, string> = {
  "index.ts": 'import "./bench/syncs/fill.js"\nimport "./bench/actions/empty.js"\n',
  "bench/syncs/fill.ts": fill,
  "bench/syncs/records.ts": readFileSync(join(import.meta.dir, "records.ts"), "utf8"),
  "bench/actions/empty.ts": empty,
}
