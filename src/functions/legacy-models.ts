import { posix } from "node:path"
import { findImports, resolveImport } from "./imports.ts"

/** Names that generated `models` files carry besides the owner's models. */
const sdkNames = new Set(["NangoAction", "NangoSync", "ProxyConfiguration", "ActionError"])

/**
 * Stands in for the `models` files that older projects import and that only a compile of the other kind writes: the
 * names of the SDK as they are, every other name as anything. Gives path → text for those that are missing.
 */
export function standInModels(files: ReadonlyMap<string, string>): Map<string, string> {
  const names = new Map<string, Set<string>>()
  for (const [file, source] of files) {
    if (!file.endsWith(".ts")) continue
    for (const site of findImports(source)) {
      if (site.kind !== "from" || resolveImport(files, file, site.specifier, { legacy: true }).kind !== "empty")
        continue
      const path = posix.join(posix.dirname(file), site.specifier).replace(/\.(?:js|ts)$/, "")
      const held = names.get(`${path}.ts`) ?? new Set()
      for (const name of importedNames(source.slice(0, site.at))) held.add(name)
      names.set(`${path}.ts`, held)
    }
  }
  return new Map([...names].map(([path, held]) => [path, toModule(held)]))
}

function importedNames(before: string): string[] {
  const list = /\{([^{}]*)\}\s*from\s*$/.exec(before)?.[1] ?? ""
  return list
    .split(",")
    .map(
      (part) =>
        part
          .trim()
          .replace(/^type\s+/, "")
          .split(/\s/)[0] ?? "",
    )
    .filter((name) => /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name))
}

function toModule(names: Set<string>): string {
  const own = [...names].filter((name) => sdkNames.has(name))
  const models = [...names].filter((name) => !sdkNames.has(name))
  const lines = models.map((name) => `export type ${name} = any\nexport declare const ${name}: any`)
  return [`export { ${own.join(", ")} } from "nango"`, ...lines, ""].join("\n")
}
