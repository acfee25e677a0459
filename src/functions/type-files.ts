import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { sha256Hex } from "../kit/crypto.ts"
import { standalone } from "../kit/entry.ts"
import { version } from "../kit/version.ts"

/** The declarations that functions are checked against: path below the types folder → text. */
export type TypeFiles = Record<string, string>

/** Imported name → declaration file below the types folder. */
export const typedModules: Record<string, string> = {
  nango: "nango.d.ts",
  zod: "zod/index.d.ts",
  crypto: "crypto.d.ts",
  "node:crypto": "crypto.d.ts",
  url: "url.d.ts",
  "node:url": "url.d.ts",
  soap: "soap.d.ts",
  unzipper: "unzipper.d.ts",
  "@nangohq/runner-sdk": "runner-sdk.d.ts",
}

/** Declarations of what is there without an import. */
export const typedGlobals = ["globals.d.ts", "buffer.d.ts"]

const embedded = "/$bunfs/root/embed/types.json"
const localOnly = /\nexport \{\}\n$/

/** Our own declarations and those of zod, as the build embeds them. Reads the source tree and `node_modules`. */
export function packTypes(): TypeFiles {
  const own = join(import.meta.dir, "types")
  const files: TypeFiles = {}
  for (const name of readdirSync(own).toSorted()) {
    const text = readFileSync(join(own, name), "utf8")
    files[name] = typedGlobals.includes(name) ? text.replace(localOnly, "") : text
  }
  const zod = dirname(require.resolve("zod/package.json"))
  addDeclarations(files, zod, "index.d.ts")
  files["zod/LICENSE"] = readFileSync(join(zod, "LICENSE"), "utf8")
  return files
}

/** Adds a declaration file of zod and what it imports. */
function addDeclarations(files: TypeFiles, zod: string, path: string): void {
  const name = `zod/${path}`
  if (files[name] !== undefined) return
  const text = readFileSync(join(zod, path), "utf8")
  files[name] = text
  for (const [, specifier = ""] of text.matchAll(/(?:from |import\()"(\.[^"]+)"/g)) {
    addDeclarations(files, zod, join(dirname(path), specifier.replace(/\.js$/, ".d.ts")))
  }
}

let held: TypeFiles | undefined

export function readTypeFiles(): TypeFiles {
  held ??= standalone ? (JSON.parse(readFileSync(embedded, "utf8")) as TypeFiles) : packTypes()
  return held
}

/**
 * The folder with the declarations, written at first use: the checker reads nothing but the disk.
 * @param parent a folder of this user, for instance `~/.cache/sluice`
 * @throws the file system's error when it cannot be written
 */
export async function unpackTypes(parent: string): Promise<string> {
  const files = readTypeFiles()
  const name = `${version}-${sha256Hex(JSON.stringify(files)).slice(0, 16)}`
  const folder = join(parent, "types", name)
  if (isWhole(folder, files)) return folder
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
  const made = mkdtempSync(`${folder}.`)
  try {
    await writeFiles(made, files)
    putInPlace(made, folder, files)
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
  return folder
}

function putInPlace(made: string, folder: string, files: TypeFiles): void {
  try {
    renameSync(made, folder)
  } catch {
    // There is one by now. A whole one may be in use by another process; any other is replaced.
    if (isWhole(folder, files)) return
    rmSync(folder, { recursive: true, force: true })
    renameSync(made, folder)
  }
}

/** Caches are swept by others; a folder that has lost a file is made again. */
function isWhole(folder: string, files: TypeFiles): boolean {
  return Object.entries(files).every(
    ([path, text]) => statSync(join(folder, path), { throwIfNoEntry: false })?.size === Buffer.byteLength(text),
  )
}

export async function writeFiles(folder: string, files: Iterable<[string, string]> | TypeFiles): Promise<void> {
  const entries = Symbol.iterator in files ? [...files] : Object.entries(files)
  for (const parent of new Set(entries.map(([path]) => dirname(path)))) {
    await mkdir(join(folder, parent), { recursive: true })
  }
  await Promise.all(entries.map(([path, text]) => writeFile(join(folder, path), text)))
}
