/** Functions that tests deploy. */

type SyncOptions = { frequency?: string; autoStart?: boolean; models?: string; checkpoint?: string; version?: string }

/** A sync with the given body; `models` is the inside of the object. */
export const syncFile = (exec: string, options: SyncOptions = {}): string => `import { createSync } from "nango"
import * as z from "zod"

export default createSync({
  description: "A sync of a test.",
  version: "${options.version ?? "1.0.0"}",
  frequency: "${options.frequency ?? "every hour"}",
  autoStart: ${options.autoStart ?? false},
  ${options.checkpoint ? `checkpoint: ${options.checkpoint},` : ""}
  models: { ${options.models ?? "Thing: z.object({ id: z.string() })"} },
  exec: async (nango) => {
    ${exec}
  },
})
`

export const actionFile = (exec: string): string => `import { createAction } from "nango"
import * as z from "zod"

export default createAction({
  description: "An action of a test.",
  version: "1.0.0",
  input: z.any(),
  output: z.any(),
  exec: async (nango, input) => {
    ${exec}
  },
})
`

/** Saves what the connection's metadata lists under \`rows\`, and marks the rest as deleted. */
export const mirrorMetadata = syncFile(`
    const { rows = [] } = await nango.getMetadata()
    await nango.trackDeletesStart("Thing")
    if (rows.length > 0) await nango.batchSave(rows, "Thing")
    await nango.trackDeletesEnd("Thing")`)

/** Tells the provider that it runs, then waits there for a minute. */
export const waitAtProvider = (options: SyncOptions = {}): string =>
  syncFile(`await nango.get({ endpoint: "/slow?ms=60000&who=" + nango.connectionId })`, options)
