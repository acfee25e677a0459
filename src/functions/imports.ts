import { type Diagnostic, diagnosticAt } from "./diagnostics.ts"
import { type Token, tokenize } from "./tokens.ts"

/** What a function may import besides relative files. They stay `require` calls in the bundle. */
export const ALLOWED_MODULES: ReadonlySet<string> = new Set([
  "nango",
  "zod",
  "crypto",
  "node:crypto",
  "url",
  "node:url",
  "soap",
  "unzipper",
])

const MACRO = "macro:"
/** For each file; who has more than this learns enough from the first, and hostile text stays cheap. */
const MAX_FINDINGS = 100

/** A module specifier in the source. `typeOnly` declarations vanish when the types are stripped. */
export type ImportSite = {
  specifier: string
  at: number
  kind: "side-effect" | "from" | "call"
  typeOnly: boolean
  attributes: boolean
}

export type Resolution =
  | { kind: "external" }
  | { kind: "file"; path: string }
  | { kind: "empty" }
  | {
      kind: "refused"
      code: "disallowed_import" | "unresolved_import"
      message: string
    }

/** Older projects import generated types from a `models` file that exists only after a compile. */
const GENERATED_MODELS = /^(?:\.\.?\/)+models(?:\.js|\.ts)?$/

/**
 * Decides what a specifier means for a file of the project. Paths are project-relative and posix; only `files` is
 * consulted, never a disk. `.js` names its `.ts` twin, a folder its `index.ts`. In a legacy project the generated
 * `models` file may be missing: it holds nothing but types, so it is empty.
 */
export function resolveImport(
  files: ReadonlyMap<string, string>,
  importer: string,
  specifier: string,
  options: { legacy: boolean } = { legacy: false },
): Resolution {
  if (ALLOWED_MODULES.has(specifier)) return { kind: "external" }
  if (!/^\.\.?(\/|$)/.test(specifier)) {
    return refuse("disallowed_import", `import of ${quote(specifier)} is not allowed; allowed are ${allowedNames()}`)
  }
  const target = joinPath(importer.split("/").slice(0, -1), specifier)
  if (target === undefined) {
    return refuse("disallowed_import", `import of ${quote(specifier)} is not allowed; it leaves the project`)
  }
  const path = candidatesOf(target, specifier).find((candidate) => files.has(candidate))
  if (path !== undefined) return { kind: "file", path }
  if (options.legacy && GENERATED_MODELS.test(specifier)) return { kind: "empty" }
  if (/\.(json|tsx|jsx|css|html|txt|wasm|node|sqlite|toml|ya?ml)$/.test(specifier) && files.has(target)) {
    return refuse("disallowed_import", `import of ${quote(specifier)} is not allowed; only .ts files can be imported`)
  }
  return refuse("unresolved_import", `${quote(specifier)} does not exist in the project`)
}

/** Every module specifier of a source text, in order, with its offset. Comments, strings and templates do not count. */
export function findImports(source: string, tokens: Token[] = tokenize(source)): ImportSite[] {
  const sites: ImportSite[] = []
  let clause: number | undefined
  tokens.forEach((token, index) => {
    if (token.kind === "name" && (token.text === "import" || token.text === "export")) clause = index
    const specifier = literalValue(token)
    const kind = specifier === undefined ? undefined : siteKind(tokens, index)
    if (specifier === undefined || kind === undefined) return
    sites.push({
      specifier,
      at: token.at,
      kind,
      typeOnly: kind === "from" && clause !== undefined && isTypeOnly(tokens.slice(clause + 1, index - 1)),
      attributes: hasAttributes(tokens, index, kind),
    })
    clause = undefined
  })
  return sites
}

/**
 * What must not stand in a user's file even when the bundler would drop it or handle it by itself: value imports of
 * other packages, import attributes, `import.meta`. Bun answers some specifiers (`bun:wrap`, `type: "sqlite"`) without
 * asking its plugins, so this looks at the text before the bundler does.
 */
export function checkImports(file: string, source: string): Diagnostic[] {
  const tokens = tokenize(source)
  const sites = findImports(source, tokens)
  const findings: Diagnostic[] = []
  const report = (at: number, message: string) =>
    findings.length < MAX_FINDINGS && findings.push(diagnosticAt(file, source, at, "unsupported_syntax", message))
  // bun:bundle is answered even before Bun's import scan, so names of that scheme are taken from the text.
  const inText = sites.filter((site) => site.specifier.startsWith("bun:") && !site.typeOnly)
  for (const specifier of new Set([...parsedImports(source), ...inText.map((site) => site.specifier)])) {
    if (findings.length >= MAX_FINDINGS) break
    if (ALLOWED_MODULES.has(specifier) || specifier.startsWith(".") || specifier.startsWith(MACRO)) continue
    const resolution = resolveImport(new Map(), file, specifier)
    if (resolution.kind === "refused") findings.push(...locateImport(file, source, specifier, resolution, sites))
  }
  for (const site of sites) {
    const isBent = (site.attributes && !site.typeOnly) || site.specifier.startsWith(MACRO)
    if (isBent) report(site.at, "import attributes and macros are not supported")
  }
  tokens.forEach((token, index) => {
    if (token.text !== "import" || tokens[index + 1]?.text !== "." || tokens[index + 2]?.text !== "meta") return
    if (tokens[index - 1]?.text !== ".") report(token.at, "import.meta is not available")
  })
  return findings
}

/** Findings for every place where a file names a refused specifier; at 1:1 when the place cannot be seen. */
export function locateImport(
  file: string,
  source: string,
  specifier: string,
  problem: { code: string; message: string },
  sites: ImportSite[],
): Diagnostic[] {
  const places = sites.filter((site) => site.specifier === specifier && !site.typeOnly).slice(0, MAX_FINDINGS)
  if (places.length === 0)
    return [
      {
        file,
        line: 1,
        column: 1,
        code: problem.code,
        message: problem.message,
      },
    ]
  return places.map((site) => diagnosticAt(file, source, site.at, problem.code, problem.message))
}

/** Relative, posix, normalised, and free of control characters (the path is printed into the bundle as a comment). */
export function isProjectPath(path: string): boolean {
  if (path.length > 1000 || /[\p{Cc}\u2028\u2029\\]/u.test(path)) return false
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..")
}

/** Value imports as Bun's parser sees them, unused ones too. */
function parsedImports(source: string): Set<string> {
  try {
    const transpiler = new Bun.Transpiler({
      loader: "ts",
      trimUnusedImports: false,
    })
    return new Set(transpiler.scanImports(source).map((found) => found.path))
  } catch {
    // The text does not parse; the build of the same text says where.
    return new Set()
  }
}

/** The value of a string, or of a template without holes. */
function literalValue(token: Token): string | undefined {
  if (token.kind === "string") return token.value
  if (token.kind !== "template" || !/^`[^`\\]*`$/.test(token.text)) return undefined
  return token.text.slice(1, -1)
}

function siteKind(tokens: Token[], index: number): ImportSite["kind"] | undefined {
  const before = tokens[index - 1]
  if (before?.text === "import" && tokens[index - 2]?.text !== ".") return "side-effect"
  if (before?.kind === "name" && before.text === "from") return "from"
  if (before?.text !== "(") return undefined
  const callee = tokens[index - 2]?.text === "?." ? index - 3 : index - 2
  const name = tokens[callee]?.text
  if (name === "import" || name === "require") return "call"
  return name === "resolve" && tokens[callee - 2]?.text === "require" ? "call" : undefined
}

function hasAttributes(tokens: Token[], index: number, kind: ImportSite["kind"]): boolean {
  if (tokens[index + 2]?.text !== "{") return false
  const after = tokens[index + 1]?.text
  if (kind === "call") return after === "," && tokens[index - 2]?.text === "import"
  return after === "with" || after === "assert"
}

/** Whether what stands between `import` or `export` and `from` is `type …` or `{ type A, type B }`. */
function isTypeOnly(clause: Token[]): boolean {
  if (clause[0]?.text === "type" && clause[1] !== undefined && clause[1].text !== ",") return true
  if (clause[0]?.text !== "{" || clause.length < 3) return false
  const names = splitNames(clause.slice(1, -1))
  return names.every((name) => name[0]?.text === "type" && name.length > 1 && name[1]?.text !== "as")
}

function splitNames(tokens: Token[]): Token[][] {
  const names: Token[][] = [[]]
  for (const token of tokens) {
    if (token.text === ",") names.push([])
    else names.at(-1)?.push(token)
  }
  return names.filter((name) => name.length > 0)
}

function candidatesOf(target: string, specifier: string): string[] {
  const index = target === "" ? "index.ts" : `${target}/index.ts`
  if (target === "" || /(^|\/)\.{0,2}$/.test(specifier)) return [index]
  if (target.endsWith(".ts")) return [target]
  return [...(target.endsWith(".js") ? [`${target.slice(0, -3)}.ts`] : []), `${target}.ts`, index]
}

/** Joins a specifier to folders; undefined when the result would stand outside of the project. */
function joinPath(folders: string[], specifier: string): string | undefined {
  const path = [...folders]
  for (const part of specifier.split("/")) {
    if (part === "" || part === ".") continue
    if (part !== "..") path.push(part)
    else if (path.pop() === undefined) return undefined
  }
  return path.join("/")
}

function refuse(code: "disallowed_import" | "unresolved_import", message: string): Resolution {
  return { kind: "refused", code, message }
}

function allowedNames(): string {
  return `${[...ALLOWED_MODULES].filter((name) => !name.startsWith("node:")).join(", ")} and relative files`
}

function quote(specifier: string): string {
  return JSON.stringify(specifier.length > 200 ? `${specifier.slice(0, 200)}…` : specifier)
}
