import { describeDifferences } from "../fixtures/compare.ts"
import type { FixtureKind } from "../fixtures/find.ts"
import { type Fixture, parseFixture } from "../fixtures/model.ts"
import { bundleFailure, createBundler, describeFailure, type FixtureOutcome, runFixture } from "../fixtures/run.ts"
import type { Entry } from "../functions/discover.ts"
import type { RunFacts } from "../runner/protocol.ts"
import type { Cli } from "./context.ts"
import { loadPagination, openLocalRunner } from "./local-run.ts"

export type Replayed = { files: ReadonlyMap<string, string>; entry: Entry; kind: FixtureKind }

const timeoutMs = 60_000

/** Runs one function against a fixture in this process. Answers the problems of a bundle that cannot be made. */
export async function replay(
  cli: Cli,
  { files, entry, kind }: Replayed,
  fixtures: Fixture[],
  flags?: RunFacts["runnerFlags"],
): Promise<{ problems: string[] } | { outcomes: FixtureOutcome[] }> {
  const bundle = await createBundler(files)(entry)
  if (!bundle.ok) return { problems: bundleFailure(bundle.errors) }
  const paginationOf = await loadPagination(cli)
  const signal = cli.signal()
  const runner = openLocalRunner(1)
  try {
    const outcomes: FixtureOutcome[] = []
    for (const fixture of fixtures) {
      const { provider } = (fixture.nango.getConnection ?? {}) as { provider?: unknown }
      const paginate = paginationOf(typeof provider === "string" ? provider : entry.integrationId)
      const run = { entry, kind, fixture, bundle, runner, paginate, timeoutMs, signal, flags }
      outcomes.push(await runFixture(run))
      if (outcomes.at(-1)?.ok) break
    }
    return { outcomes }
  } finally {
    await runner.close()
  }
}

/**
 * Looks whether a fresh recording gives what was recorded, and chooses its form: the plain one when that replays, the
 * strict one when the function needs refusals to throw or answers to come in turn.
 */
export async function checkReplay(
  cli: Cli,
  of: Replayed,
  recorded: { loose: string; strict: string },
): Promise<{ text: string; problems: string[] }> {
  const fixtures = [recorded.loose, recorded.strict].map((text) => parseFixture(text, "the recording"))
  const ran = await replay(cli, of, fixtures)
  if ("problems" in ran) return { text: recorded.loose, problems: ran.problems }
  const last = ran.outcomes.at(-1)
  if (last?.ok) return { text: ran.outcomes.length === 1 ? recorded.loose : recorded.strict, problems: [] }
  const problems = last ? [...describeFailure(last), ...describeDifferences(last.differences)] : ["it was cancelled"]
  return { text: recorded.strict, problems }
}
