const sync = (body: string) => `import { createSync } from "nango"
import * as z from "zod"

export default createSync({
  description: "For a fault",
  version: "1.0.0",
  frequency: "every day",
  autoStart: true,
  models: { Nothing: z.object({ id: z.string() }) },
  exec: async (nango) => {
${body}
  },
})
`

/** Says to the fake provider that it runs, then waits for an answer that does not come. */
export const waiting = {
  "fake/syncs/waiting.ts": sync(`    await nango.get({ endpoint: "/slow", params: { ms: "600000" }, retries: 0 })`),
}

export const waitingAction = {
  "fake/actions/ask.ts": `import { createAction } from "nango"
import * as z from "zod"

export default createAction({
  description: "For a fault",
  version: "1.0.0",
  input: z.object({}),
  output: z.object({}),
  exec: async (nango) => {
    await nango.get({ endpoint: "/slow", params: { ms: "600000" }, retries: 0 })
    return {}
  },
})
`,
}
