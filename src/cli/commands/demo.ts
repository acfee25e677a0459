import type { Command } from "commander"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { standalone } from "../../kit/entry.ts"
import { readProject } from "../../functions/project.ts"
import { type Client, createClient } from "../client.ts"
import type { Cli } from "../context.ts"
import { type DemoChild, startDemoChild } from "../demo-children.ts"
import { demo, playDemo, type Shown } from "../demo-story.ts"
import { data, talk } from "../print.ts"
import { recordTable } from "../record-table.ts"

type Options = { keep?: boolean }

/** `sluice demo`: a daemon and a fake provider in a temporary folder, and a sync between them. */
export function addDemo(command: Command, cli: Cli): void {
  command
    .option("--keep", "leave it running until Ctrl-C, to try more")
    .action((options: Options) => runDemo(cli, options))
}

async function runDemo(cli: Cli, options: Options): Promise<void> {
  const signal = cli.signal()
  const folder = mkdtempSync(join(tmpdir(), "sluice-demo-"))
  const children: DemoChild[] = []
  try {
    const { client, fake, secretKey } = await startAll(folder, signal, children)
    const shown = await playDemo({ client, fake, files: await exampleFiles(), see: printer(cli) })
    if (cli.options().json) data(JSON.stringify(shown))
    talk("\nThat was a full sync, an incremental one, and an action.")
    if (options.keep) await keepRunning(client, fake, secretKey, signal)
    else talk("`sluice demo --keep` leaves it running, to try more.")
  } catch (error) {
    // What the daemon said last tells more than the error; afterwards it is gone.
    if (!signal.aborted) for (const child of children) talk(child.tail())
    throw error
  } finally {
    await Promise.all(children.map((child) => child.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
}

async function startAll(folder: string, signal: AbortSignal, children: DemoChild[]) {
  talk(`Starting a fake provider and a daemon, with its data in ${folder}`)
  const text = (value: unknown) => (typeof value === "string" ? value : undefined)
  const provider = await startDemoChild({
    args: ["fake-provider", "--json", "--port", "0", "--items", "20"],
    folder,
    signal,
    ready: (line) => text(line.url),
  })
  children.push(provider.child)
  const secretKey = crypto.randomUUID()
  const daemon = await startDemoChild({
    args: ["serve", "--data-dir", join(folder, "data"), "--port", "0", "--egress-allow", "127.0.0.1"],
    folder,
    env: { SLUICE_SECRET_KEY: secretKey },
    signal,
    ready: (line) => (line.msg === "sluice is ready" ? text(line.url) : undefined),
  })
  children.push(daemon.child)
  const client = createClient({ url: daemon.found, secretKey, signal })
  return { client, fake: createClient({ url: provider.found, signal }), secretKey }
}

function printer(cli: Cli): Parameters<typeof playDemo>[0]["see"] {
  const print = (text: string) => (cli.options().json ? undefined : data(text))
  return {
    records: (records) => print(recordTable(records)),
    changes: (records) => print(recordTable(records)),
    action: (output: Shown["action"]) => print(JSON.stringify(output, null, 2)),
  }
}

/** The project of `examples/`: the build embeds it, the source tree has it as a folder. */
async function exampleFiles(): Promise<Record<string, string>> {
  if (standalone) return (await Bun.file("/$bunfs/root/embed/examples.json").json()) as Record<string, string>
  return Object.fromEntries(await readProject(join(import.meta.dir, "../../../examples")))
}

async function keepRunning(client: Client, fake: Client, secretKey: string, signal: AbortSignal): Promise<void> {
  const program = ownName()
  const on = `-i ${demo.integration} -c ${demo.connection}`
  talk(`
It goes on until Ctrl-C, which also deletes its data. In another terminal:

  export SLUICE_HOST=${client.url} SLUICE_SECRET_KEY=${secretKey}
  ${program} syncs list
  ${program} records list ${on} -m ${demo.model}
  curl -X POST ${fake.url}/__control -d '{"mutate":{"update":1,"delete":1,"create":1}}'
  ${program} syncs trigger ${demo.sync} ${on} --wait
  ${program} records list ${on} -m ${demo.model} --filter added,updated,deleted
  ${program} logs
`)
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }))
}

/** How the person can call this program from where they are. */
function ownName(): string {
  if (!standalone || Bun.which("sluice") === process.execPath) return "sluice"
  const path = relative(process.cwd(), process.execPath)
  return path.startsWith("..") ? process.execPath : `./${path}`
}
