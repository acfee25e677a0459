import type { EnvironmentCtx } from "../app/context.ts"
import { bundleFunction } from "./bundle.ts"
import { checkProject } from "./check-project.ts"
import { defineFunction, type FunctionDefinition } from "./definition.ts"
import { type Diagnostic, formatDiagnostic } from "./diagnostics.ts"
import { discoverFunctions, type Entry } from "./discover.ts"
import { functionFaults } from "./model.ts"

export type CompiledFunction = { definition: FunctionDefinition; code: string; map: string | null; source: string }

const describeWallMs = 30_000

/**
 * Bundles every function of a project and finds out what it declares, by loading it once in a runner. Throws
 * `invalid_project` with all problems, each at its file, line and column; then nothing was stored.
 */
export async function compileProject(
  ctx: EnvironmentCtx,
  files: Map<string, string>,
): Promise<{ functions: CompiledFunction[]; warnings: Diagnostic[] }> {
  const { entries, errors, warnings } = discoverFunctions(files)
  const problems: Diagnostic[] = [...errors]
  const compiled: CompiledFunction[] = []
  if (problems.length === 0) {
    for (const entry of entries) {
      const result = await compileFunction(ctx, files, entry)
      problems.push(...result.errors)
      warnings.push(...result.warnings)
      if (result.compiled) compiled.push(result.compiled)
    }
    problems.push(...checkProject(compiled.map((one) => one.definition)))
  }
  if (problems.length > 0) throw invalidProject(problems)
  return { functions: compiled, warnings }
}

/** Compiles one function of a project. Throws `invalid_project` with all its problems. */
export async function compileEntry(
  ctx: EnvironmentCtx,
  files: Map<string, string>,
  entry: Entry,
): Promise<{ compiled: CompiledFunction; warnings: Diagnostic[] }> {
  const { compiled, errors, warnings } = await compileFunction(ctx, files, entry)
  if (!compiled) throw invalidProject(errors)
  return { compiled, warnings }
}

/** The functions of a project. Throws `invalid_project` with all problems of its layout. */
export function listEntries(files: Map<string, string>): Entry[] {
  const { entries, errors } = discoverFunctions(files)
  if (errors.length > 0) throw invalidProject(errors)
  return entries
}

type One = { compiled?: CompiledFunction; errors: Diagnostic[]; warnings: Diagnostic[] }

async function compileFunction(ctx: EnvironmentCtx, files: Map<string, string>, entry: Entry): Promise<One> {
  const bundle = await bundleFunction({ files, entry: entry.path })
  if (!bundle.ok) return { errors: bundle.errors, warnings: [] }
  const described = await describeCode(ctx, entry, bundle.code)
  if (!described.ok) {
    const error = {
      file: entry.path,
      line: 1,
      column: 1,
      code: "load_failed",
      message: `The file cannot be loaded: ${described.message}`,
    }
    return { errors: [error], warnings: bundle.warnings }
  }
  const source = files.get(entry.path) ?? ""
  const defined = defineFunction({
    entry,
    described: described.value,
    yaml: entry.yaml,
    features: bundle.features,
    source,
  })
  if (!defined.ok) return { errors: defined.errors, warnings: bundle.warnings }
  return {
    compiled: { definition: defined.definition, code: bundle.code, map: bundle.map, source },
    errors: [],
    warnings: bundle.warnings,
  }
}

/** What a module says about itself when it is loaded in a runner; a stranger's word, to be checked. */
export async function describeCode(
  ctx: EnvironmentCtx,
  entry: Pick<Entry, "name" | "integrationId">,
  code: string,
): Promise<{ ok: true; value: unknown } | { ok: false; message: string }> {
  const outcome = await ctx.runner.run({
    kind: "describe",
    code,
    fileName: `${entry.name}-${entry.integrationId}.cjs`,
    facts: describeFacts(ctx, entry),
    limits: {
      wallMs: describeWallMs,
      memoryBytes: ctx.config.runnerMemoryMb * 1024 * 1024,
      outputBytes: 10 * 1024 * 1024,
      cancelGraceMs: 0,
    },
    answer: () =>
      Promise.reject(
        functionFaults.invalid_project({ message: "A file may not call the SDK while it is being loaded." }),
      ),
  })
  if (!outcome.ok) return { ok: false, message: outcome.error.message }
  return { ok: true, value: JSON.parse(outcome.output ?? "null") }
}

const describeFacts = (ctx: EnvironmentCtx, entry: Pick<Entry, "integrationId">) => ({
  connectionId: "",
  providerConfigKey: entry.integrationId,
  provider: "",
  environmentId: ctx.environment.id,
  environmentName: ctx.environment.name,
  activityLogId: "",
  loggerLevel: "off" as const,
  models: null,
})

/** One error for all problems of a project. The sentence lists them, the payload has them for programs. */
function invalidProject(problems: Diagnostic[]) {
  const lines = problems.map(formatDiagnostic)
  return functionFaults.invalid_project({
    message: `${problems.length === 1 ? "There is a problem" : `There are ${problems.length} problems`} in the project:\n${lines.join("\n")}`,
    payload: { diagnostics: problems },
  })
}
