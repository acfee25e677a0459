import { existsSync } from "node:fs"
import { join } from "node:path"
import { describeDifferences } from "../fixtures/compare.ts"
import { fixturePath, type FixtureKind, readFixture } from "../fixtures/find.ts"
import { type Fixture, fixtureFaults } from "../fixtures/model.ts"
import { describeFailure, type FixtureOutcome } from "../fixtures/run.ts"
import { discoverFunctions, type Entry } from "../functions/discover.ts"
import { findRoot, localLimits, readProject } from "../functions/project.ts"
import type { DryRunWish } from "./commands/dryrun.ts"
import type { Cli } from "./context.ts"
import { replay } from "./dry-replay.ts"
import { exitCodes } from "./exit.ts"
import { data, paintErr, printable, talk } from "./print.ts"

/** Runs a function against its fixture and shows what it did; needs neither daemon nor network. */
export async function dryRunOffline(cli: Cli, wish: DryRunWish): Promise<void> {
  const root = await placed(wish)
  const files = await readProject(root, localLimits)
  const entry = chooseEntry(discoverFunctions(files).entries, wish)
  const kind = wish.webhook === undefined ? (entry.folderKind ?? entry.yaml?.type ?? "action") : "webhook"
  const fixture = changedBy(readOrExplain(root, entry, kind), wish)
  const check = wish.validate || "warn"
  const flags = { validateActionInput: check, validateActionOutput: check, validateSyncRecords: check } as const
  const ran = await replay(cli, { files, entry, kind }, [fixture], flags)
  if ("problems" in ran) {
    for (const line of ran.problems) talk(printable(line))
    return cli.end(exitCodes.failed)
  }
  const [outcome] = ran.outcomes
  if (!outcome) return cli.end(exitCodes.interrupted)
  show(cli, kind, outcome)
  if (wish.diagnostics) talk(`It took ${Math.round(outcome.durationMs)} ms.`)
  if (outcome.error) cli.end(exitCodes.failed)
}

/** Without a connection the second argument may be the folder. */
function placed({ connectionId, dir }: DryRunWish): Promise<string> {
  const isFolder = connectionId !== undefined && dir === "." && existsSync(connectionId)
  return findRoot(isFolder ? connectionId : dir)
}

function chooseEntry(entries: Entry[], { name, integration }: DryRunWish): Entry {
  const named = entries.filter(
    (entry) => entry.name === name && (integration === undefined || entry.integrationId === integration),
  )
  const [only, ...others] = named
  if (!only) throw fixtureFaults.unknown_function({ message: `There is no function "${name}" in the project.` })
  if (others.length === 0) return only
  throw fixtureFaults.unknown_function({
    message: `"${name}" is a function of ${named.map((entry) => entry.integrationId).join(", ")}.`,
    hint: `Add --integration-id ${only.integrationId}`,
  })
}

function readOrExplain(root: string, entry: Entry, kind: FixtureKind): Fixture {
  const file = fixturePath(entry, kind === "webhook")
  if (existsSync(join(root, file))) return readFixture(root, file)
  throw fixtureFaults.no_fixtures({
    message: `There is no ${file}.`,
    hint: `sluice dryrun ${entry.name} <connection> --save records it.`,
  })
}

/** What was given on the command line goes before what was recorded. */
function changedBy(fixture: Fixture, { input, webhook, metadata, checkpoint, lastSyncDate }: DryRunWish): Fixture {
  const given = { getMetadata: metadata, getCheckpoint: checkpoint, lastSyncDate }
  const nango = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...fixture, input: webhook ?? input ?? fixture.input, nango: { ...fixture.nango, ...nango } }
}

function show(cli: Cli, kind: FixtureKind, outcome: FixtureOutcome): void {
  const { seen, output, error, differences } = outcome
  if (cli.options().json) return data(JSON.stringify({ ...outcome, kind, durationMs: Math.round(outcome.durationMs) }))
  for (const { level, message, meta } of seen.logs)
    talk(printable(`${level.padEnd(5)} ${message}${meta === undefined ? "" : ` ${JSON.stringify(meta)}`}`))
  for (const { method, path, status } of seen.requests) talk(printable(`http  ${method} ${path} ${status}`))
  for (const [name, models] of Object.entries(seen.batches)) {
    for (const [model, records] of Object.entries(models))
      data([`${name} ${model}`, ...records.map((record) => printable(`  ${JSON.stringify(record)}`))].join("\n"))
  }
  if (kind !== "sync" && !error) data(JSON.stringify(output ?? null, null, 2))
  if (error) for (const line of describeFailure(outcome)) talk(printable(`${paintErr.red("error:")} ${line}`))
  if (differences.length === 0) return
  talk("This is not what the fixture expects:")
  for (const line of describeDifferences(differences)) talk(printable(`  ${line}`))
}
