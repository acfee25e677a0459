import { type Diagnostic, diagnosticAt } from "./diagnostics.ts"
import { findImports } from "./imports.ts"
import { FUNCTION_NAME, type FunctionKind, INTEGRATION_ID } from "./names.ts"
import { parseNangoYaml } from "./nango-yaml.ts"
import type { YamlFunction } from "./yaml-reader.ts"

/** A function file: `path` is project-relative; `folderKind` is what its folder suggests (the export has the last word). */
export type Entry = {
  path: string
  integrationId: string
  name: string
  folderKind?: FunctionKind
  /** Its declaration in nango.yaml, in projects that have one. */
  yaml?: YamlFunction
}

export type Discovery = { entries: Entry[]; errors: Diagnostic[]; warnings: Diagnostic[] }

const MAX_ERRORS = 100
const INDEX = "index.ts"
const YAML_NAMES = ["nango.yaml", "nango.yml"]
const FOLDERS = new Map<string, FunctionKind>([
  ["syncs", "sync"],
  ["actions", "action"],
  ["on-events", "on-event"],
  ["post-connection-scripts", "on-event"],
])
const LEGACY_FOLDERS: Record<FunctionKind, string[]> = {
  sync: ["syncs"],
  action: ["actions"],
  "on-event": ["on-events", "post-connection-scripts"],
}

/**
 * Finds the functions of a project. The side-effect imports of `index.ts` decide when there is at least one, else the
 * declarations of `nango.yaml`, else the folder layout `<integration>/<syncs|actions|on-events>/<name>.ts`.
 */
export function discoverFunctions(files: ReadonlyMap<string, string>): Discovery {
  const found: Discovery = { entries: [], errors: [], warnings: [] }
  const yamlName = YAML_NAMES.find((name) => files.has(name))
  if (!readIndex(files, found)) {
    if (yamlName === undefined) readFolders(files, found)
    else readYaml(files, yamlName, found)
  }
  checkNames(found)
  if (found.entries.length === 0 && found.errors.length === 0) {
    const message = `no functions found; add a line such as import "./github/syncs/issues.js" to ${INDEX}`
    found.errors.push({ file: yamlName ?? INDEX, line: 1, column: 1, code: "no_functions", message })
  }
  return found
}

/** Reads the import lines of index.ts; false when it has none. */
function readIndex(files: ReadonlyMap<string, string>, found: Discovery): boolean {
  const source = files.get(INDEX)
  if (source === undefined) return false
  const sites = findImports(source).filter((site) => site.kind === "side-effect" && /^\.\.?\//.test(site.specifier))
  const seen = new Set<string>()
  for (const site of sites) {
    if (found.errors.length >= MAX_ERRORS) break
    const report = (code: string, message: string) =>
      found.errors.push(diagnosticAt(INDEX, source, site.at, code, message))
    const path = entryPath(site.specifier)
    const entry = path === undefined ? undefined : toEntry(path)
    if (path === undefined) report("disallowed_import", `${JSON.stringify(site.specifier)} leaves the project`)
    else if (entry === undefined) {
      report("invalid_path", `${path} is not below an integration; expected <integration>/syncs/<name>.ts`)
    } else if (!files.has(path)) report("unresolved_import", `${path} does not exist`)
    else if (!seen.has(path)) found.entries.push(entry)
    if (path !== undefined) seen.add(path)
  }
  return sites.length > 0
}

function readFolders(files: ReadonlyMap<string, string>, found: Discovery): void {
  for (const path of [...files.keys()].toSorted()) {
    const [, folder = "", file, ...deeper] = path.split("/")
    if (!FOLDERS.has(folder) || file === undefined || deeper.length > 0 || !isFunctionFile(file)) continue
    const entry = toEntry(path)
    if (entry !== undefined) found.entries.push(entry)
  }
}

function readYaml(files: ReadonlyMap<string, string>, yamlName: string, found: Discovery): void {
  const parsed = parseNangoYaml(files.get(yamlName) ?? "", yamlName)
  if (!parsed.ok) {
    found.errors.push(...parsed.errors)
    return
  }
  for (const yaml of parsed.yaml.functions) {
    const { integrationId, name } = yaml
    const folders = LEGACY_FOLDERS[yaml.type].map((folder) => `${integrationId}/${folder}/${name}.ts`)
    const path = [...folders, `${name}.ts`].find((one) => files.has(one))
    if (path !== undefined) {
      found.entries.push({ path, integrationId, name, folderKind: yaml.type, yaml })
      continue
    }
    const message = `${name} is declared but ${folders[0]} does not exist`
    found.errors.push({ file: yamlName, line: yaml.line, column: yaml.column, code: "missing_file", message })
  }
  warnUndeclared(files, yamlName, found)
}

function warnUndeclared(files: ReadonlyMap<string, string>, yamlName: string, found: Discovery): void {
  const inFolders: Discovery = { entries: [], errors: [], warnings: [] }
  readFolders(files, inFolders)
  const declared = new Set(found.entries.map((entry) => entry.path))
  for (const { path } of inFolders.entries) {
    if (declared.has(path)) continue
    const message = `is not declared in ${yamlName} and is left out`
    found.warnings.push({ file: path, line: 1, column: 1, code: "undeclared_function", message })
  }
}

function checkNames(found: Discovery): void {
  const seen = new Map<string, string>()
  for (const { path, integrationId, name } of found.entries) {
    const report = (code: string, message: string) =>
      found.errors.push({ file: path, line: 1, column: 1, code, message })
    if (!FUNCTION_NAME.test(name)) {
      report("invalid_function_name", `${JSON.stringify(name)} is not a function name (letters, digits, _ and -)`)
    }
    if (!INTEGRATION_ID.test(integrationId)) {
      report("invalid_integration_id", `${JSON.stringify(integrationId)} is not an integration id`)
    }
    const key = JSON.stringify([integrationId, name])
    const other = seen.get(key)
    if (other !== undefined) report("duplicate_function", `${name} of ${integrationId} is also ${other}`)
    seen.set(key, path)
  }
}

function toEntry(path: string): Entry | undefined {
  const parts = path.split("/")
  const [integrationId, folder = ""] = parts
  if (integrationId === undefined || parts.length < 2) return undefined
  const name = (parts.at(-1) ?? "").replace(/\.ts$/, "")
  const folderKind = FOLDERS.get(folder)
  return folderKind === undefined ? { path, integrationId, name } : { path, integrationId, name, folderKind }
}

/** `./github/syncs/issues.js` → `github/syncs/issues.ts`; undefined when it leaves the project. */
function entryPath(specifier: string): string | undefined {
  const parts: string[] = []
  for (const part of specifier.split("/")) {
    if (part === "" || part === ".") continue
    if (part !== "..") parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  return `${parts.join("/").replace(/\.(?:js|ts)$/, "")}.ts`
}

function isFunctionFile(file: string): boolean {
  return file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.endsWith(".d.ts")
}
