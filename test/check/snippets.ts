import { readFileSync } from "node:fs"
import { join } from "node:path"

/** One function file, and what it imports. */
export type Snippet = { name: string; path: string; files: Map<string, string> }

/**
 * Reads a file of snippets: `=== name` begins a function of the integration `acme`, `--- path` a file beside it. A
 * function that calls createSync stands below `syncs`, others below `actions`.
 */
export function readSnippets(file: string): Snippet[] {
  const text = readFileSync(join(import.meta.dir, "data", file), "utf8")
  return text
    .split(/^=== /m)
    .slice(1)
    .map((part) => {
      const [name, rest] = splitLine(part)
      const [main = "", ...others] = rest.split(/^--- /m)
      const path = `acme/${main.includes("createSync(") ? "syncs" : "actions"}/${name}.ts`
      return { name, path, files: new Map([[path, main], ...others.map(splitLine)]) }
    })
}

function splitLine(text: string): [string, string] {
  const at = text.indexOf("\n")
  return [text.slice(0, at).trim(), text.slice(at + 1)]
}
