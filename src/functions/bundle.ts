import { SourceMap } from "node:module"
import { devNull } from "node:os"
import { foreignModules, logFindings, NAMESPACE, ROOT, stripTrailer, tidyMap } from "./bundle-output.ts"
import { checkEntry } from "./checks.ts"
import type { Diagnostic } from "./diagnostics.ts"
import { findImports, type ImportSite, checkImports, isProjectPath, locateImport, resolveImport } from "./imports.ts"

/**
 * A function ready to run, or why it is not. `code` is a CommonJS script whose only outside names are `require` calls
 * of ALLOWED_MODULES; `map` is its source map (JSON) with project-relative sources; `features` holds `checkpoints`
 * when the entry uses them.
 */
export type BundleResult =
  | {
      ok: true
      code: string
      map: string
      features: string[]
      warnings: Diagnostic[]
    }
  | { ok: false; errors: Diagnostic[] }

export type BundleInput = { files: ReadonlyMap<string, string>; entry: string }

const EMPTY = "empty"
/** Where older projects keep their generated models, with a copy of the SDK's types and what those import. */
const MODELS = "models.ts"
const actionError = "globalThis.ActionError"
const MAX_SOURCE_CHARS = 4 * 1024 * 1024
const MAX_MODULES = 1000
const MAX_ERRORS = 100

type Build = BundleInput & {
  legacy: boolean
  errors: Diagnostic[]
  loaded: Set<string>
  chars: number
  sites: Map<string, ImportSite[]>
}

/**
 * Bundles one entry of a project that came from a stranger. Nothing is read from the disk: every file comes from
 * `files` (project-relative posix path → text). Never throws for bad source; findings carry file, line and column.
 */
export async function bundleFunction(input: BundleInput): Promise<BundleResult> {
  const source = input.files.get(input.entry)
  if (source === undefined || !isProjectPath(input.entry)) {
    return {
      ok: false,
      errors: [fileFinding(input.entry, "unresolved_import", "the entry file does not exist")],
    }
  }
  if (source.length > MAX_SOURCE_CHARS) return { ok: false, errors: [tooLarge(input.entry)] }
  const shape = checkEntry(input.entry, source)
  const build: Build = {
    ...input,
    legacy: shape.legacy,
    errors: [],
    loaded: new Set(),
    chars: 0,
    sites: new Map(),
  }
  const output = await runBuild(build)
  const errors = [...build.errors, ...logFindings(output.logs, "error")]
  // A file that does not parse has no shape to judge.
  if (!errors.some((one) => one.code === "syntax_error")) errors.push(...shape.errors)
  if (errors.length > 0) return { ok: false, errors: tidy(errors) }

  const code = await output.outputs.find((file) => file.kind === "entry-point")?.text()
  const map = await output.outputs.find((file) => file.kind === "sourcemap")?.text()
  if (code === undefined || map === undefined) {
    return {
      ok: false,
      errors: [fileFinding(input.entry, "failed_to_build_unknown", "the bundler gave no output")],
    }
  }
  const foreign = foreignModules(code)
  if (foreign.length > 0) {
    const message = `import of ${foreign.map((name) => JSON.stringify(name)).join(", ")} is not allowed`
    return {
      ok: false,
      errors: [fileFinding(input.entry, "disallowed_import", message)],
    }
  }
  const warnings = [...shape.warnings, ...consoleWarnings(build), ...logFindings(output.logs, "warning")]
  return {
    ok: true,
    code: stripTrailer(code),
    map: tidyMap(map),
    features: shape.features,
    warnings,
  }
}

/** The original place of a place in the bundle (all from 1); undefined when the map does not know it. */
export function mapFrame(
  map: string | SourceMap,
  line: number,
  column: number,
): { file: string; line: number; column: number } | undefined {
  const found = (typeof map === "string" ? readMap(map) : map).findEntry(line - 1, column - 1)
  if (!("originalLine" in found) || found.originalSource === undefined || found.originalSource === "") return undefined
  return {
    file: found.originalSource,
    line: found.originalLine + 1,
    column: found.originalColumn + 1,
  }
}

/**
 * Replaces every `fileName:line:column` of a stack by the place in the owner's source. Frames that the map does not
 * know stay. `lineOffset` is the number of lines that the runner put in front of the bundle.
 */
export function rewriteStack(stackText: string, input: { fileName: string; map: string; lineOffset?: number }): string {
  const map = readMap(input.map)
  const frame = new RegExp(`${RegExp.escape(input.fileName)}:(\\d{1,9})(?::(\\d{1,9}))?`, "g")
  return stackText.replace(frame, (whole, line: string, column?: string) => {
    const place = mapFrame(map, Number(line) - (input.lineOffset ?? 0), Number(column ?? 1))
    if (place === undefined) return whole
    return column === undefined ? `${place.file}:${place.line}` : `${place.file}:${place.line}:${place.column}`
  })
}

function runBuild(build: Build): ReturnType<typeof Bun.build> {
  return Bun.build({
    entrypoints: [`${NAMESPACE}:entry`],
    target: "browser",
    format: "cjs",
    sourcemap: "external",
    root: "/",
    packages: "bundle",
    allowUnresolved: [],
    env: "disable",
    // Otherwise a tsconfig.json of the folder that this process was started in, and what it extends, has a say.
    tsconfig: devNull,
    throw: false,
    plugins: [{ name: "owner-code", setup: (builder) => addHooks(build, builder) }],
  })
}

function addHooks(build: Build, builder: Bun.PluginBuilder): void {
  builder.onResolve({ filter: /[^]*/ }, (asked) => {
    if (asked.kind === "entry-point-build" || asked.kind === "entry-point-run") return toModule(build.entry)
    return resolveModule(build, asked.importer.slice(asked.importer.indexOf(ROOT) + ROOT.length), asked)
  })
  builder.onLoad({ filter: /[^]*/, namespace: NAMESPACE }, (asked) => ({
    contents: loadModule(build, asked.path.slice(ROOT.length)),
    loader: "ts",
  }))
  builder.onLoad({ filter: /[^]*/, namespace: EMPTY }, () => ({
    // Older documents take this class from the generated models.
    contents: `module.exports = { ActionError: ${actionError} }`,
    loader: "js",
  }))
}

function resolveModule(build: Build, importer: string, asked: Bun.OnResolveArgs): Bun.OnResolveResult {
  const found = resolveImport(build.files, importer, asked.path, build)
  if (found.kind === "external") return { path: asked.path, external: true }
  if (found.kind === "file") return toModule(found.path)
  // Throwing here would give a message without a line, so refusals are collected and the build goes on.
  if (found.kind === "refused" && build.errors.length < MAX_ERRORS) {
    const source = build.files.get(importer) ?? ""
    const sites = build.sites.get(importer) ?? findImports(source)
    build.sites.set(importer, sites)
    build.errors.push(...locateImport(importer, source, asked.path, found, sites))
  }
  return { path: `/${encodeURIComponent(asked.path)}`, namespace: EMPTY }
}

function loadModule(build: Build, path: string): string {
  const source = build.files.get(path) ?? ""
  build.loaded.add(path)
  build.chars += source.length
  if (build.chars > MAX_SOURCE_CHARS || build.loaded.size > MAX_MODULES) {
    build.errors.push(tooLarge(build.entry))
    return ""
  }
  const findings = isProjectPath(path)
    ? checkImports(path, source)
    : [fileFinding(path, "invalid_path", "the file name contains characters that are not allowed")]
  if (build.legacy && path === MODELS && findings.every(isOfPackage)) return withActionError(source)
  build.errors.push(...findings)
  // Behind a refused import the file is still looked at; what Bun would act upon by itself is not handed to it.
  return findings.every(isOfPackage) ? source : "module.exports = {}"
}

/** An import that the plugin hears of when something is used of it; unused ones vanish with the types. */
const isOfPackage = ({ code, message }: Diagnostic): boolean =>
  code === "disallowed_import" && !message.includes('"bun:')

/** The class is only declared in generated models, but the documents of their time throw it. */
function withActionError(source: string): string {
  return /\bexport declare class ActionError\b/.test(source)
    ? `${source}\nexport const ActionError = ${actionError}\n`
    : source
}

function toModule(path: string): Bun.OnResolveResult {
  return { path: ROOT + path, namespace: NAMESPACE }
}

function consoleWarnings(build: Build): Diagnostic[] {
  const uses = [...build.loaded].filter((path) => /\bconsole\.\w/.test(build.files.get(path) ?? ""))
  return uses.map((path) => fileFinding(path, "console_used", "console output is not kept; use nango.log()"))
}

function tidy(errors: Diagnostic[]): Diagnostic[] {
  const unique = new Map(errors.map((one) => [`${one.file}:${one.line}:${one.column}:${one.code}`, one]))
  return [...unique.values()].slice(0, MAX_ERRORS)
}

function readMap(text: string): SourceMap {
  return new SourceMap(JSON.parse(text) as ConstructorParameters<typeof SourceMap>[0])
}

function tooLarge(entry: string): Diagnostic {
  const limit = `${MAX_MODULES} files or ${MAX_SOURCE_CHARS / 1024 / 1024} Mi characters of source`
  return fileFinding(entry, "bundle_too_large", `the function has more than ${limit}`)
}

function fileFinding(file: string, code: string, message: string): Diagnostic {
  return { file, line: 1, column: 1, code, message }
}
