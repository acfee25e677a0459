import { bundleFunction } from "./bundle.ts"
import { checkEntry } from "./checks.ts"
import type { Diagnostic } from "./diagnostics.ts"
import { discoverFunctions, type Entry } from "./discover.ts"
import { checkTypes } from "./type-check.ts"

export type CheckInput = {
  /** The project: relative posix path → text. */
  files: ReadonlyMap<string, string>
  /** Only the functions of this integration. */
  integration?: string
  cacheDir?: string
  signal?: AbortSignal
}

/** `functions` is how many were looked at. Both lists are sorted by place. */
export type Checked = { functions: number; errors: Diagnostic[]; warnings: Diagnostic[] }

/** Code of Nango's own check that says something about style, not about what will happen. */
const styleCodes = new Set(
  ["6133", "6138", "6192", "6196", "6198", "6199", "6205", "7027", "7028", "4111"].map((code) => `TS${code}`),
)
const missingModule = /^(?:Cannot find module|Could not find a declaration file for module) ['"]([^'"]*)['"]/
const missingName = /^(Cannot find name '([^']+)'\.) Do you need to/

/**
 * Looks at a project as a deploy would, and checks its types, without running any of its code. In older projects
 * (nango.yaml, plain functions) types only warn. Throws `type_check_failed` and `interrupted`.
 */
export async function checkFunctions(input: CheckInput): Promise<Checked> {
  const found = discoverFunctions(input.files)
  const entries = found.entries.filter(
    (entry) => input.integration === undefined || entry.integrationId === input.integration,
  )
  const checked: Checked = { functions: entries.length, errors: [...found.errors], warnings: [...found.warnings] }
  for (const entry of entries) {
    const bundle = await bundleFunction({ files: input.files, entry: entry.path })
    if (bundle.ok) checked.warnings.push(...bundle.warnings)
    else checked.errors.push(...bundle.errors)
  }
  if (entries.length > 0) addTypes(checked, await checkTypes(toTypeCheck(input, entries)), isLegacy(input, entries))
  return { ...checked, errors: tidy(checked.errors), warnings: tidy(checked.warnings) }
}

const toTypeCheck = (input: CheckInput, entries: Entry[]) => ({
  files: input.files,
  roots: [...new Set(entries.map((entry) => entry.path))],
  legacy: isLegacy(input, entries),
  cacheDir: input.cacheDir,
  signal: input.signal,
})

function isLegacy({ files }: CheckInput, entries: Entry[]): boolean {
  return entries.every(({ path, yaml }) => yaml !== undefined || checkEntry(path, files.get(path) ?? "").legacy)
}

function addTypes(checked: Checked, findings: Diagnostic[], legacy: boolean): void {
  // What the bundler has already said about a line is said better there: a refused import, text that does not parse.
  const known = new Set(checked.errors.map(placeOf))
  for (const finding of findings) {
    const module = missingModule.exec(finding.message)?.[1]
    // Types of packages may be imported, and are then anything; values of packages were refused above.
    if (module !== undefined && (!/^\.\.?(\/|$)/.test(module) || known.has(placeOf(finding)))) continue
    if (finding.code.startsWith("TS1") && finding.code.length === 6 && known.has(placeOf(finding))) continue
    const [, sentence, name] = missingName.exec(finding.message) ?? []
    const told = sentence === undefined ? finding : { ...finding, message: `${sentence} Functions do not have it.` }
    if (isWarning(told, name, legacy)) checked.warnings.push(told)
    else checked.errors.push(told)
  }
}

function isWarning(finding: Diagnostic, legacy: boolean): boolean {
  return legacy || styleCodes.has(finding.code)
}

const placeOf = (one: Diagnostic): string => `${one.file}:${one.line}`

function tidy(findings: Diagnostic[]): Diagnostic[] {
  const unique = new Map(findings.map((one) => [JSON.stringify([one.file, one.line, one.column, one.code, one.message]), one]))
  return [...unique.values()].toSorted(
    (a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.code, b.code),
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
