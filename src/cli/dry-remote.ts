import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fixturePath, type FixtureKind } from "../fixtures/find.ts"
import { createRecorder, type Recorder } from "../fixtures/record.ts"
import { type Diagnostic, formatDiagnostic } from "../functions/diagnostics.ts"
import { discoverFunctions, type Entry } from "../functions/discover.ts"
import { findRoot, readProject } from "../functions/project.ts"
import { ApiError } from "./client.ts"
import type { DryRunWish } from "./commands/dryrun.ts"
import { type Cli, openClient } from "./context.ts"
import {
  type DryEnd,
  type DryLine,
  type DryReport,
  type DryStart,
  openReport,
  reportEnd,
  reportEvent,
} from "./dry-report.ts"
import { checkReplay } from "./dry-replay.ts"
import { exitCodes } from "./exit.ts"
import { cliFaults } from "./faults.ts"
import { dataTaken, plural, printable, talk } from "./print.ts"

type Project = { root: string; files: Map<string, string> }
type Ran = { start: DryStart; end: DryEnd; report: DryReport; recorder: Recorder | undefined }

/** Runs a function in the daemon, tells what happens, and saves a fixture if that was asked for. */
export async function dryRunRemote(cli: Cli, wish: DryRunWish): Promise<void> {
  const root = await findRoot(wish.dir)
  const project = { root, files: await readProject(root) }
  const ran = await runRemote(cli, wish, project)
  const { start, end, report } = ran
  if (!cli.options().json) reportEnd(report, start.kind, end)
  if (wish.diagnostics) talk(`It took ${end.durationMs} ms and made ${plural(report.requests, "request")}.`)
  if (end.ok) return wish.save ? saveFixture(cli, project, ran, end.output) : undefined
  if (wish.save) talk("No fixture was saved: the run failed.")
  cli.end(exitCodes.failed)
}

async function runRemote(cli: Cli, wish: DryRunWish, project: Project): Promise<Ran> {
  const json = cli.options().json === true
  const report = openReport(wish.all)
  let start: DryStart | undefined
  let end: DryEnd | undefined
  let recorder: Recorder | undefined
  for await (const text of ask(cli, wish, project)) {
    const line = JSON.parse(text) as DryLine
    if (json) await dataTaken(`${text}\n`)
    if (line.event === "end") end = line
    else if (!json) reportEvent(report, line)
    if (line.event === "start") {
      start = line
      recorder = wish.save ? recorderFor(wish, line) : undefined
    } else if (line.event !== "end") recorder?.take(line)
  }
  if (start && end) return { start, end, report, recorder }
  throw cliFaults.daemon_unreachable({ message: "The daemon broke off before the run had ended." })
}

/** The lines of the daemon's answer. Problems of the project are told one a line, as compilers do. */
async function* ask(cli: Cli, wish: DryRunWish, { files }: Project): AsyncGenerator<string> {
  const body = {
    files: Object.fromEntries(files),
    name: wish.name,
    connection_id: wish.connectionId,
    integration: wish.integration,
    input: wish.input,
    webhook: wish.webhook,
    metadata: wish.metadata,
    checkpoint: wish.checkpoint,
    variant: wish.variant,
    last_sync_date: wish.lastSyncDate,
    validate: wish.validate,
    record: wish.save,
  }
  try {
    yield* openClient(cli).lines("POST", "/sluice/dryruns", { body })
  } catch (error) {
    const payload = error instanceof ApiError ? error.details.payload : undefined
    const { diagnostics = [] } = (payload ?? {}) as { diagnostics?: Diagnostic[] }
    if (!(error instanceof ApiError) || diagnostics.length === 0) throw error
    for (const one of diagnostics) talk(printable(formatDiagnostic(one)))
    const message = `${plural(diagnostics.length, "problem")} in the project; nothing was run.`
    throw new ApiError(error.status, error.body, { code: error.code, message })
  }
}

function recorderFor(wish: DryRunWish, { kind, asks }: DryStart): Recorder {
  const input = kind === "webhook" ? wish.webhook : kind === "action" ? wish.input : undefined
  const { checkpoint, lastSyncDate } = wish
  return createRecorder({ kind: kind as FixtureKind, asks, input, checkpoint, lastSyncDate })
}

async function saveFixture(
  cli: Cli,
  { root, files }: Project,
  { start, recorder }: Ran,
  output: unknown,
): Promise<void> {
  const entry = discoverFunctions(files).entries.find(
    (one) => one.name === start.name && one.integrationId === start.integration,
  ) as Entry
  const kind = start.kind as FixtureKind
  const loose = recorder?.finish({ output, strict: false }) ?? ""
  const strict = recorder?.finish({ output, strict: true }) ?? ""
  const replay = await checkReplay(cli, { files, entry, kind }, { loose, strict })
  const file = fixturePath(entry, kind === "webhook")
  const path = join(root, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, replay.text)
  talk(`Saved ${relative(process.cwd(), path) || path}`)
  if (replay.problems.length === 0) return
  talk("warning: this fixture does not replay, because the function depends on something that it does not hold:")
  for (const line of replay.problems) talk(printable(`  ${line}`))
  cli.end(exitCodes.partial)
}
