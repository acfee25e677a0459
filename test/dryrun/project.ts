import { Database } from "bun:sqlite"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { connectFake, startWithFake } from "../helpers/setup.ts"
import { runCli, type Sluice, temporaryFolder } from "../helpers/sluice.ts"

/** Writes files (path → text, or data that is written as JSON) into a new folder. */
export function makeProject(files: Record<string, unknown>): string {
  const dir = temporaryFolder("project")
  writeFiles(dir, files)
  return dir
}

export function writeFiles(dir: string, files: Record<string, unknown>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), typeof content === "string" ? content : JSON.stringify(content, null, 2))
  }
}

/** A daemon on a fake provider with the connection c1, and the command line that talks to it from a project. */
export async function openStage(options: Parameters<typeof startWithFake>[0] = {}) {
  const stage = await startWithFake(options)
  await connectFake(stage.sluice)
  const env = {
    SLUICE_HOST: stage.sluice.url,
    SLUICE_SECRET_KEY: stage.sluice.key,
    SLUICE_PROVIDERS: stage.env.SLUICE_PROVIDERS,
  }
  return { ...stage, cli: (dir: string, ...args: string[]) => runCli(args, env, dir) }
}

export type Stage = Awaited<ReturnType<typeof openStage>>

/** Every row of both databases, as text; the same text means that nothing was stored. */
export function allRows(sluice: Sluice): string {
  const rows: Record<string, unknown[]> = {}
  for (const file of ["sluice.db", "logs.db"]) {
    const db = new Database(join(sluice.dataDir, file), { readonly: true })
    const tables = db
      .query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .all()
    for (const { name } of tables) {
      const columns = db.query<{ name: string }, [string]>("SELECT name FROM pragma_table_info(?)").all(name)
      // Internal tables of the text index cannot be read by name.
      if (columns.length > 0) rows[`${file} ${name}`] = db.query(`SELECT * FROM "${name}"`).values()
    }
    db.close()
  }
  return JSON.stringify(rows, null, 1)
}

type Body = { head?: string; more?: string; exec: string }

export const sync = ({ head = "", more = "", exec }: Body): string => `import { createSync } from "nango"
import { z } from "zod"
${head}
const Item = z.object({ id: z.string(), name: z.string() })
export default createSync({
  description: "A sync", version: "1.0.0", frequency: "every hour", autoStart: false, models: { Item }, ${more}
  exec: async (nango) => {
${exec}
  },
})
`

export const action = ({ head = "", more = "", exec }: Body): string => `import { createAction } from "nango"
import { z } from "zod"
${head}
export default createAction({
  description: "An action", version: "1.0.0", ${more || "input: z.any(), output: z.any(),"}
  exec: async (nango, input) => {
${exec}
  },
})
`

export const onEvent = (exec: string): string => `import { createOnEvent } from "nango"
export default createOnEvent({
  event: "post-connection-creation", description: "An event function", version: "1.0.0",
  exec: async (nango) => {
${exec}
  },
})
`
