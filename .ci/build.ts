import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { readProject } from "../src/functions/project.ts"
import { packTypes } from "../src/functions/type-files.ts"
import { compileCatalogue } from "../src/providers/compile.ts"
import { buildLibrary } from "../src/runner/libraries/build.ts"
import { libraryNames } from "../src/runner/libraries/names.ts"
import { buildPages } from "./pages.ts"

/**
 * Builds the executable: `bun run build` → dist/sluice. `SLUICE_BUILD_OUT` names another file, `SLUICE_BUILD_PROVIDERS`
 * another folder of providers.
 */
const out = process.env.SLUICE_BUILD_OUT ?? "dist/sluice"
// Beside the result, so that builds to different places do not meet.
const work = `${out}.build`
const embed = `${work}/embed`

rmSync(work, { recursive: true, force: true })
mkdirSync(embed, { recursive: true })
writeFileSync(`${embed}/catalogue.jsonl`, await compileCatalogue(process.env.SLUICE_BUILD_PROVIDERS ?? "providers"))
writeFileSync(`${embed}/types.json`, JSON.stringify(packTypes()))
for (const name of libraryNames) writeFileSync(`${embed}/library-${name}.txt`, await buildLibrary(name))
writeFileSync(`${embed}/examples.json`, JSON.stringify(Object.fromEntries(await readProject("examples"))))
for (const [path, bytes] of await buildPages()) {
  mkdirSync(dirname(`${embed}/pages/${path}`), { recursive: true })
  writeFileSync(`${embed}/pages/${path}`, bytes)
}

const flags = [
  "--compile",
  "--minify",
  "--sourcemap",
  "--bytecode",
  "--format=esm",
  "--splitting",
  // Otherwise the executable would load .env and bunfig.toml (and what that preloads) from wherever it is started.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
]
const entries = ["src/main.ts", "src/app/writer.ts", "src/runner/guest/main.ts"]
const made = `${work}/sluice`
const build = Bun.spawnSync([process.execPath, "build", ...flags, ...entries, "--asset", embed, "--outfile", made], {
  stdio: ["ignore", "inherit", "inherit"],
})
if (build.exitCode !== 0) process.exit(build.exitCode)
// Replacing the file in one move leaves a running daemon of the old build alone.
renameSync(made, out)
rmSync(work, { recursive: true, force: true })
console.log(`${out} ${(Bun.file(out).size / 1e6).toFixed(1)} MB`)
