import { bundleFunction } from "./bundle.ts"
import { checkEntry } from "./checks.ts"
import type { Diagnostic } from "./diagnostics.ts"
import { discoverFunctions, type Entry } from "./discover.ts"
import { checkTypes, throwIfInterrupted } from "./type-check.ts"

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

/** What the reference's options complain of though it changes nothing at run time. */
const styleCodes = new Set(
  ["6133", "6138", "6192", "6196", "6198", "6199", "6205", "7027", "7028", "4111"].map((code) => `TS${code}`),
)
const missingModule = new Set(["TS2307", "TS2580", "TS2591", "TS2792", "TS7016"])
const noFetch = "no_fetch"
const missingName = /^Cannot find name '([^']+)'\./

/** Whether a finding is about style only: unused names, code that cannot be reached, `a.b` where `a["b"]` is wanted. */
export const isStyle = ({ code }: Diagnostic): boolean => styleCodes.has(code)

/** Whether a finding comes from the type check, and not from the bundler. */
export const isTypeFinding = ({ code }: Diagnostic): boolean => /^TS\d+$/.test(code) || code === noFetch

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
    throwIfInterrupted(input.signal)
    const bundle = await bundleFunction({ files: input.files, entry: entry.path })
    if (bundle.ok) checked.warnings.push(...bundle.warnings)
    else checked.errors.push(...bundle.errors)
  }
  if (entries.length > 0) {
    const legacy = isLegacy(input, entries)
    addTypes(checked, input.files, { findings: await checkTypes(toTypeCheck(input, entries, legacy)), legacy })
  }
  return { ...checked, errors: tidy(checked.errors), warnings: tidy(checked.warnings) }
}

const toTypeCheck = (input: CheckInput, entries: Entry[], legacy: boolean) => ({
  files: input.files,
  roots: [...new Set(entries.map((entry) => entry.path))],
  legacy,
  cacheDir: input.cacheDir,
  signal: input.signal,
})

function isLegacy({ files }: CheckInput, entries: Entry[]): boolean {
  return entries.every(({ path, yaml }) => yaml !== undefined || checkEntry(path, files.get(path) ?? "").legacy)
}

function addTypes(
  checked: Checked,
  files: ReadonlyMap<string, string>,
  { findings, legacy }: { findings: Diagnostic[]; legacy: boolean },
): void {
  // What the bundler has already said about a line is said better there: a refused import, text that does not parse.
  const known = new Set(checked.errors.map(placeOf))
  for (const finding of findings) {
    const specifier = missingModule.has(finding.code) ? specifierAt(files, finding) : undefined
    // Types of packages may be imported, and are then anything; values of packages were refused above.
    if (specifier !== undefined && (!specifier.startsWith(".") || known.has(placeOf(finding)))) continue
    if (/^TS1\d{3}$/.test(finding.code) && known.has(placeOf(finding))) continue
    const told = explainName(finding)
    if (legacy || isStyle(told) || told.code === noFetch) checked.warnings.push(told)
    else checked.errors.push(told)
  }
}

/** The module name at the place of a finding; undefined when something else stands there. */
function specifierAt(files: ReadonlyMap<string, string>, { file, line, column }: Diagnostic): string | undefined {
  const lines = files.get(file)?.split("\n") ?? []
  const text = lines[line - 1]?.slice(column - 1) ?? ""
  return /^(["'])(.*?)\1/.exec(text)?.[2]
}

/** Says what is so about names of browsers and of Node, instead of which package to install. */
function explainName(finding: Diagnostic): Diagnostic {
  const [sentence, name] = missingName.exec(finding.message) ?? []
  // Code that can also run elsewhere keeps a way out to fetch, so this alone is no reason to refuse it.
  if (name === "fetch")
    return { ...finding, code: noFetch, message: "functions have no fetch; use nango.uncontrolledFetch" }
  if (sentence === undefined || sentence === finding.message) return finding
  return { ...finding, message: `${sentence} Functions do not have it.` }
}

const placeOf = (one: Diagnostic): string => `${one.file}:${one.line}`

function tidy(findings: Diagnostic[]): Diagnostic[] {
  const unique = new Map(
    findings.map((one) => [JSON.stringify([one.file, one.line, one.column, one.code, one.message]), one]),
  )
  return [...unique.values()].toSorted(
    (a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.code, b.code),
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
