import type { Command } from "commander"
import { discoverFunctions } from "../../functions/discover.ts"
import { formatDiagnostic } from "../../functions/diagnostics.ts"
import { findRoot, localLimits, readProject } from "../../functions/project.ts"
import { findFixtures, findStrays, type FixtureFile } from "../../fixtures/find.ts"
import { fixtureFaults } from "../../fixtures/model.ts"
import { runSuite, type SuiteResult } from "../../fixtures/suite.ts"
import type { Cli } from "../context.ts"
import { exitCodes } from "../exit.ts"
import { wholeNumber } from "../input.ts"
import { cores, loadPagination, openLocalRunner } from "../local-run.ts"
import { data, paintOut, plural, printable, talk } from "../print.ts"

type Options = { integration?: string; name?: string; jobs?: number; timeout: number }

/** `sluice test [dir]`; it needs no daemon and no network. */
export function addTest(command: Command, cli: Cli): void {
  command
    .argument("[dir]", "folder of the functions", ".")
    .option("-i, --integration <id>", "only functions of this integration")
    .option("-n, --name <name>", "only functions of this name")
    .option("-j, --jobs <count>", "functions at once (default: as many as there are cores)", wholeNumber)
    .option("--timeout <seconds>", "longest run of one function", wholeNumber, 30)
    .addHelpText(
      "after",
      `
Runs every function that has a fixture, <integration>/tests/<name>.test.json, in the isolated runner, answers its
requests from the fixture and compares its output or its records. Exits 1 when one differs.
\`sluice dryrun <name> <connection> --save\` records a fixture.`,
    )
    .action((dir: string, options: Options) => testProject(cli, dir, options))
}

type Project = { root: string; files: Map<string, string>; found: FixtureFile[]; without: number; strays: string[] }

async function testProject(cli: Cli, dir: string, options: Options): Promise<void> {
  const started = performance.now()
  const atOnce = Math.max(1, options.jobs ?? cores)
  const signal = cli.signal()
  // The processes start while the project is read.
  const runner = openLocalRunner(atOnce)
  try {
    const { root, files, found, without, strays } = await readFixtures(dir, options)
    const paginationOf = await loadPagination(cli)
    const onResult = (result: SuiteResult) => (cli.options().json ? undefined : data(describeResult(result)))
    const suite = { root, files, runner, paginationOf, atOnce, timeoutMs: options.timeout * 1000, signal, onResult }
    const results = await runSuite(suite, found)
    const failed = results.filter((result) => !result.ok).length
    const totals = {
      passed: results.length - failed,
      failed,
      without,
      strays,
      durationMs: Math.round(performance.now() - started),
    }
    if (cli.options().json) data(JSON.stringify({ results, totals }))
    else data(describeTotals(totals))
    if (failed > 0) cli.end(exitCodes.failed)
    if (signal.aborted) cli.end(exitCodes.interrupted)
  } finally {
    await runner.close()
  }
}

async function readFixtures(dir: string, { integration, name }: Options): Promise<Project> {
  const root = await findRoot(dir)
  const files = await readProject(root, localLimits)
  const { entries, errors } = discoverFunctions(files)
  // What is wrong elsewhere in the project does not keep the other functions from being tested.
  for (const error of errors) talk(printable(formatDiagnostic(error)))
  const wanted = entries.filter(
    (entry) =>
      (integration === undefined || entry.integrationId === integration) && (name === undefined || entry.name === name),
  )
  const { found, without } = findFixtures(root, wanted)
  const strays = integration === undefined && name === undefined ? await findStrays(root, entries) : []
  if (found.length > 0) return { root, files, found, without: without.length, strays }
  throw fixtureFaults.no_fixtures({
    message: `There is no fixture for ${wanted.length === 0 ? "any function" : plural(wanted.length, "function")} in ${root}.`,
    hint: "sluice dryrun <name> <connection> --save records one.",
  })
}

function describeResult({ ok, integration, name, kind, durationMs, report, missed }: SuiteResult): string {
  const mark = ok ? paintOut.green("✓") : paintOut.red("✗")
  const head = `${mark} ${integration}/${name}${kind === "webhook" ? " (webhook)" : ""} ${paintOut.dim(`${durationMs} ms`)}`
  const notes = ok ? missed.map((miss) => `no recorded answer to ${miss}`) : report
  return [head, ...notes.map((line) => printable(`    ${line}`))].join("\n")
}

function describeTotals(totals: {
  passed: number
  failed: number
  without: number
  strays: string[]
  durationMs: number
}) {
  const { passed, failed, without, strays, durationMs } = totals
  const rest = without > 0 ? `, ${plural(without, "function")} without a fixture` : ""
  const lines = strays.map((file) => `${file} belongs to no function`)
  return [...lines, `${passed} passed, ${failed} failed${rest} (${(durationMs / 1000).toFixed(1)} s)`].join("\n")
}
