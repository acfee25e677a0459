import type { Diagnostic } from "./diagnostics.ts"
import { ALLOWED_MODULES } from "./imports.ts"

// A macro (`with { type: "macro" }`) would run the owner's code inside this process while it is bundled. Bun refuses
// macros for modules whose path contains /node_modules/, in plugin namespaces too. The map strips the prefix again.
export const ROOT = "/node_modules/fn/"
export const NAMESPACE = "fn"

/** What Bun itself had to say about the owner's files. */
export function logFindings(logs: ReadonlyArray<unknown>, level: "error" | "warning"): Diagnostic[] {
  return (logs as ReadonlyArray<BuildMessage>)
    .filter((log) => log.level === level)
    .map((log) => ({
      file: log.position?.file.slice(log.position.file.indexOf(ROOT) + ROOT.length) ?? "",
      line: Math.max(log.position?.line ?? 1, 1),
      column: Math.max(log.position?.column ?? 1, 1),
      code: level === "warning" ? "bundler_warning" : logCode(log),
      message: log.message.replaceAll(`${NAMESPACE}:${ROOT}`, ""),
    }))
}

function logCode({ message, position }: BuildMessage): string {
  if (!position?.line) return "failed_to_build_unknown"
  if (message.startsWith("No matching export")) return "unresolved_import"
  if (/will not be bundled|cannot be run from node_modules|^Could not resolve/.test(message)) return "disallowed_import"
  return "syntax_error"
}

/** The last word: whatever the bundle still asks for by name must be one of the allowed modules. */
export function foreignModules(code: string): string[] {
  const asked = new Bun.Transpiler({ loader: "js" }).scanImports(code).map((one) => one.path)
  return [...new Set(asked)].filter((name) => !ALLOWED_MODULES.has(name))
}

/** The source map with project-relative sources. */
export function tidyMap(text: string): string {
  const map = JSON.parse(text) as {
    version: number
    sources: string[]
    sourcesContent: string[]
    mappings: string
  }
  const sources = map.sources.map((source) => source.replace(`${NAMESPACE}:${ROOT}`, ""))
  const { version, sourcesContent, mappings } = map
  return JSON.stringify({
    version,
    sources,
    sourcesContent,
    mappings,
    names: [],
  })
}

export function stripTrailer(code: string): string {
  return code.replace(/\n\/\/# debugId=\w+\s*$/, "\n")
}
