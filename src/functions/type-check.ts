import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, relative, resolve, sep } from "node:path"
import { bunCommand } from "../kit/entry.ts"
import { defineFaults } from "../kit/errors.ts"
import type { Diagnostic } from "./diagnostics.ts"
import { isProjectPath } from "./imports.ts"
import { standInModels } from "./legacy-models.ts"
import { typedGlobals, typedModules, unpackTypes, writeFiles } from "./type-files.ts"

const faults = defineFaults({
  type_check_failed: [500, "The types could not be checked."],
  interrupted: [499, "Interrupted."],
})

export type TypeCheck = {
  /** The project: relative posix path → text. */
  files: ReadonlyMap<string, string>
  /** The files to check, together with all that they import. */
  roots: string[]
  /** Older projects were written against looser options, and import models that were generated. */
  legacy: boolean
  /** Where the declarations are kept between checks; without it they are written each time. */
  cacheDir?: string
  signal?: AbortSignal
}

const maxMs = 120_000
const maxOutputBytes = 32 * 1024 * 1024

export const commonOptions = {
  module: "esnext",
  moduleResolution: "bundler",
  target: "esnext",
  lib: ["esnext"],
  types: [],
  typeRoots: [],
  allowImportingTsExtensions: true,
  esModuleInterop: true,
  forceConsistentCasingInFileNames: true,
  noEmit: true,
  skipLibCheck: true,
  strict: true,
}
export const strictOptions = {
  allowUnreachableCode: false,
  allowUnusedLabels: false,
  exactOptionalPropertyTypes: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
}

/**
 * Checks types with the checker that is inside this executable. The sources are written to a folder of their own: what
 * else stands in the project (settings of tools, packages, links) is neither read nor run.
 * Throws `type_check_failed`, and `interrupted` when `signal` fires.
 */
export async function checkTypes(input: TypeCheck): Promise<Diagnostic[]> {
  const work = await mkdtemp(join(tmpdir(), "sluice-check-"))
  try {
    const types = await findTypes(input.cacheDir, work)
    const project = join(work, "project")
    const sources = [...input.files].filter(([path]) => path.endsWith(".ts") && isProjectPath(path))
    await writeFiles(project, [...sources, ...(input.legacy ? standInModels(input.files) : [])])
    const settings = join(work, "tsconfig.json")
    await writeFile(settings, JSON.stringify(toSettings(input, types)))
    const output = await runChecker(types, settings, input.signal)
    return readOutput(output, types, project)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function findTypes(cacheDir: string | undefined, work: string): Promise<string> {
  if (cacheDir === undefined) return unpackTypes(work)
  try {
    return await unpackTypes(cacheDir)
  } catch (error) {
    // Without a place to keep them (a read-only home, a full quota) they serve this one check.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return unpackTypes(work)
  }
}

function toSettings({ roots, legacy }: TypeCheck, types: string): object {
  const paths = Object.entries(typedModules).map(([name, file]) => [name, [join(types, file)]])
  return {
    compilerOptions: { ...commonOptions, ...(legacy ? {} : strictOptions), paths: Object.fromEntries(paths) },
    files: [...typedGlobals.map((name) => join(types, name)), ...roots.map((path) => `project/${path}`)],
  }
}

/** The checker's output. It runs in the folder of the declarations, where no settings of `bun` can lie in wait. */
async function runChecker(types: string, settings: string, signal: AbortSignal | undefined): Promise<string> {
  throwIfInterrupted(signal)
  const { command, env } = bunCommand()
  const options = ["--no-script", "--no-pretty", "--all", "-p", settings]
  const checker = Bun.spawn([...command, "check", ...options], {
    cwd: types,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: maxMs,
    killSignal: "SIGKILL",
    maxBuffer: maxOutputBytes,
    signal,
  })
  const [output, talk, code] = await Promise.all([
    new Response(checker.stdout).text(),
    new Response(checker.stderr).text(),
    checker.exited,
  ])
  throwIfInterrupted(signal)
  if (code === 0 || (code === 1 && diagnosticLine.test(output))) return output
  const end = checker.signalCode ? `was ended by ${checker.signalCode}` : `ended with ${code}`
  const said = `${output}${talk}`.trim().split("\n")[0]
  throw faults.type_check_failed({ message: `The type checker ${end}${said ? `: ${said}` : "."}` })
}

export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw faults.interrupted()
}

const diagnosticLine = /^(.+?)\((\d+),(\d+)\): error (TS\d+): (.*)$/m

/** Reads `file(line,column): error TSnnnn: text`; indented lines give reasons. Only files of the project count. */
function readOutput(output: string, types: string, project: string): Diagnostic[] {
  const findings: Diagnostic[] = []
  let reasons: string[] = []
  for (const line of output.split(/\r?\n/)) {
    const [, file, row, column, code, text] = diagnosticLine.exec(line) ?? []
    const last = findings.at(-1)
    if (file !== undefined && code !== undefined && text !== undefined) {
      const path = relative(project, resolve(types, file)).replaceAll(sep, "/")
      findings.push({ file: path, line: Number(row), column: Number(column), code, message: text })
      reasons = [text]
    } else if (last !== undefined && /^\s+\S/.test(line)) {
      reasons.push(line.trim())
      // The way from the first reason to the last can be a page long.
      last.message = `${reasons[0]} ${reasons.at(-1)}`
    }
  }
  return findings
    .filter((one) => !one.file.startsWith("../"))
    .map((one) => ({ ...one, message: one.message.replaceAll(`${project}/`, "") }))
}
