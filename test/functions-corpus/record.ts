import { join } from "node:path"
import { readProject } from "../../src/functions/project.ts"
import { runCli } from "../helpers/sluice.ts"
import { type Case, projects } from "./cases.ts"
import { need, openCorpus } from "./stage.ts"

/**
 * Records the fixtures of the corpus and of the examples anew: `bun test/functions-corpus/record.ts [part of a name]`.
 * The same sources give the same files, byte for byte; the port of the fake provider stands in recorded links.
 */
const port = 43_117
const connection = "recorded"
const wanted = process.argv[2] ?? ""

await using corpus = await openCorpus(port)
const { fake, sluice, connect } = corpus
const env = { ...corpus.env, SLUICE_HOST: sluice.url, SLUICE_SECRET_KEY: sluice.key }
const integrations = new Set(projects.flatMap(({ cases }) => cases.map(({ at }) => at.split("/")[0] ?? "")))
for (const integration of integrations) await connect(integration, connection)

let failed = 0
for (const { folder, cases } of projects) {
  const dir = join(import.meta.dir, folder)
  const chosen = cases.filter(({ at }) => at.includes(wanted))
  // Actions that a function triggers run for real, so they have to be there. No event function runs: nobody connects.
  if (folder === "functions" && chosen.length > 0) {
    const files = Object.fromEntries(await readProject(dir))
    await need(sluice, "POST", "/sluice/deploy", { files, mode: "apply" })
  }
  for (const one of chosen) {
    fake.control({ reset: true, faults: one.faults ?? [] })
    const ran = await runCli(["dryrun", ...argumentsOf(one)], env, dir)
    if (ran.code === 0) continue
    failed++
    console.error(`✗ ${one.at} ended with ${ran.code}\n${ran.stderr}${ran.stdout}`)
  }
}
await corpus[Symbol.asyncDispose]()
Bun.spawnSync([process.execPath, "fmt", "../../examples", "."], { cwd: import.meta.dir })
console.log(failed === 0 ? "recorded" : `${failed} could not be recorded`)
process.exit(failed === 0 ? 0 : 1)

function argumentsOf({ at, input, metadata, checkpoint, lastSyncDate, webhook }: Case): string[] {
  const [integration = "", name = ""] = at.split("/")
  const flags = Object.entries({ input, metadata, checkpoint, webhook }).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}`, JSON.stringify(value)],
  )
  const since = lastSyncDate === undefined ? [] : ["--lastSyncDate", lastSyncDate]
  return [name, connection, "--integration-id", integration, "--save", ...flags, ...since]
}
