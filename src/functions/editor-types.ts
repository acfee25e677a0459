import { lstat, mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { defineFaults } from "../kit/errors.ts"
import { commonOptions, strictOptions } from "./type-check.ts"
import { readTypeFiles, typedGlobals, typedModules, writeFiles } from "./type-files.ts"

const faults = defineFaults({ editor_folder: [400, "The folder .sluice cannot be used."] })

const own = "./.sluice/tsconfig.json"

/**
 * Writes what an editor needs to know a project's types without any package: `.sluice/types`, settings that use them,
 * and a `tsconfig.json` that extends those when the project has none. `made` says whether the project's
 * `tsconfig.json` now extends them. Throws `editor_folder` when `.sluice` is not a folder.
 */
export async function writeEditorTypes(dir: string): Promise<{ made: boolean }> {
  const folder = join(dir, ".sluice")
  const there = await lstat(folder).catch(missing)
  if (there && !there.isDirectory()) throw faults.editor_folder({ message: `${folder} is not a folder.` })
  const types = join(folder, "types")
  await rm(types, { recursive: true, force: true })
  await mkdir(types, { recursive: true })
  await writeFiles(types, readTypeFiles())
  await writeFile(join(folder, "tsconfig.json"), toText(toSettings()))
  await writeFile(join(folder, ".gitignore"), "*\n")
  const settings = join(dir, "tsconfig.json")
  const before = await readFile(settings, "utf8").catch(missing)
  if (before === undefined) await writeFile(settings, toText({ extends: own }))
  return { made: before === undefined || before.includes(own) }
}

function toSettings(): object {
  const paths = Object.entries(typedModules).map(([name, file]) => [name, [`./types/${file}`]])
  return {
    compilerOptions: { ...commonOptions, ...strictOptions, paths: Object.fromEntries(paths) },
    files: typedGlobals.map((name) => `types/${name}`),
    include: ["../**/*.ts"],
    exclude: ["../node_modules", "../build", "../dist", "../**/*.test.ts"],
  }
}

const toText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error
}
