import { mkdirSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { startWithFake } from "../helpers/setup.ts"
import { ensureBuilt, executable, temporaryFolder } from "../helpers/sluice.ts"

export type Ended = { code: number; stdout: string; stderr: string }
export type Run = (
  args: string[],
  options?: { env?: Record<string, string>; stdin?: string; cwd?: string },
) => Promise<Ended>

/** A daemon, a fake provider, and the CLI with the address and key of that daemon in its environment. */
export async function startCommands(options: Parameters<typeof startWithFake>[0] = {}) {
  const world = await startWithFake(options)
  const env = { SLUICE_HOST: world.sluice.url, SLUICE_SECRET_KEY: world.sluice.key }
  const run: Run = (args, more = {}) => runWith(args, { ...more, env: { ...env, ...more.env } })
  return { ...world, env, run, close: () => world[Symbol.asyncDispose]() }
}

/** Runs the CLI once, with a stdin that is empty unless told otherwise. */
export async function runWith(
  args: string[],
  { env = {}, stdin = "", cwd = tmpdir() }: { env?: Record<string, string>; stdin?: string; cwd?: string } = {},
): Promise<Ended> {
  ensureBuilt()
  const proc = Bun.spawn([executable, ...args], { cwd, env, stdin: new Blob([stdin]), stdout: "pipe", stderr: "pipe" })
  const [stdout, stderr, code] = await Promise.all([proc.stdout.text(), proc.stderr.text(), proc.exited])
  return { code, stdout, stderr }
}

/**
 * Runs the CLI in a terminal of 120 columns. `typed` is what the person types when the screen shows the text before it.
 */
export async function runInTerminal(
  args: string[],
  { env = {}, typed = [] }: { env?: Record<string, string>; typed?: [when: string, keys: string][] },
): Promise<{ code: number; screen: string }> {
  ensureBuilt()
  let screen = ""
  const waiting = [...typed]
  const proc = Bun.spawn([executable, ...args], {
    cwd: tmpdir(),
    env: { TERM: "xterm-256color", ...env },
    terminal: {
      cols: 120,
      rows: 40,
      data(terminal, bytes) {
        screen += new TextDecoder().decode(bytes)
        const [next] = waiting
        if (next === undefined || !screen.includes(next[0])) return
        waiting.shift()
        terminal.write(next[1])
      },
    },
  })
  const code = await proc.exited
  proc.terminal?.close()
  return { code, screen }
}

/** Writes a project into a folder of its own and answers the folder. */
export function writeProject(files: Record<string, string>, folder = temporaryFolder("project")): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

export const indexOf = (...paths: string[]): string => paths.map((path) => `import "./${path}.js"\n`).join("")

/** A sync that copies the items of the fake, and marks those that are gone as deleted. */
export const itemsSync = (options = "") => `import { createSync } from "nango"
import * as z from "zod"
export default createSync({
  description: "Items", version: "1.0.0", frequency: "every hour", autoStart: false,
  models: { Item: z.object({ id: z.string(), name: z.string() }) },
  ${options}
  exec: async (nango) => {
    await nango.trackDeletesStart("Item")
    const paginate = { type: "cursor", cursor_name_in_request: "after", cursor_path_in_response: "paging.next.after",
      response_path: "data", limit_name_in_request: "limit", limit: 500 }
    for await (const page of nango.paginate({ endpoint: "/cursor/items", paginate }))
      await nango.batchSave(page.map(({ id, name }) => ({ id, name })), "Item")
    await nango.trackDeletesEnd("Item")
  },
})
`

export const failingSync = `import { createSync } from "nango"
import * as z from "zod"
export default createSync({
  description: "Fails", version: "1.0.0", frequency: "every hour", autoStart: false,
  models: { Never: z.object({ id: z.string() }) },
  exec: async () => { throw new Error("as planned") },
})
`

export const echoAction = (body = "return input") => `import { createAction } from "nango"
import * as z from "zod"
export default createAction({
  description: "Echo", version: "1.0.0", input: z.any(), output: z.any(),
  exec: async (nango, input) => { ${body} },
})
`

export const onC1 = ["-i", "fake", "-c", "c1"]
