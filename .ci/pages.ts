import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { brotliCompressSync, constants } from "node:zlib"
import { compile } from "tailwindcss"

/**
 * Builds the web pages: path → content, for `<page>/index.html` and `<page>/assets/<name>-<hash>.<ext>`, each with a
 * brotli twin `.br`. `.ci/build.ts` embeds them; when the sources run, `src/pages/assets.ts` calls this once.
 */
export async function buildPages(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const page of pages) {
    for (const [path, text] of await buildPage(page)) {
      const bytes = new TextEncoder().encode(text)
      files.set(`${page}/${path}`, bytes)
      files.set(`${page}/${path}.br`, Uint8Array.from(brotliCompressSync(bytes, { params: best })))
    }
  }
  return files
}

const sources = join(import.meta.dir, "../src/pages")
const pages = ["connect"]
const best = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }

async function buildPage(page: string): Promise<[path: string, text: string][]> {
  const folder = join(sources, page)
  const script = await buildScript(join(folder, "main.tsx"))
  const style = await buildStyle(join(folder, `${page}.css`), [folder, join(sources, "shared")])
  const name = (kind: string, text: string) =>
    `assets/${page}-${createHash("sha256").update(text).digest("hex").slice(0, 12)}.${kind}`
  const names = { script: name("js", script), style: name("css", style) }
  const html = readFileSync(join(folder, "index.html"), "utf8")
    .replace(`"${page}.css"`, `"${names.style}"`)
    .replace('"main.tsx"', `"${names.script}"`)
  return [
    ["index.html", html],
    [names.script, script],
    [names.style, style],
  ]
}

async function buildScript(entry: string): Promise<string> {
  const built = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    minify: true,
    jsx: { runtime: "automatic", importSource: "preact", development: false },
    define: { "process.env.NODE_ENV": '"production"' },
    throw: false,
  })
  return textOf(entry, built)
}

/** Tailwind's own compiler with the words of the sources as candidates: what is no class of it is passed over. */
async function buildStyle(entry: string, scanned: string[]): Promise<string> {
  const compiler = await compile(readFileSync(entry, "utf8"), { base: dirname(entry), loadStylesheet })
  const candidates = new Set<string>()
  for (const folder of scanned) {
    for (const file of new Bun.Glob("**/*.{ts,tsx}").scanSync({ cwd: folder, absolute: true })) {
      for (const word of readFileSync(file, "utf8").split(/[\s"'`]+/)) candidates.add(word)
    }
  }
  const css = compiler.build([...candidates])
  const built = await Bun.build({ entrypoints: ["page.css"], files: { "page.css": css }, minify: true, throw: false })
  return textOf(entry, built)
}

async function loadStylesheet(id: string, base: string) {
  const path = id === "tailwindcss" ? require.resolve("tailwindcss/index.css") : join(base, id)
  return { path, base: dirname(path), content: readFileSync(path, "utf8") }
}

async function textOf(entry: string, built: Bun.BuildOutput): Promise<string> {
  const text = await built.outputs[0]?.text()
  if (built.success && text !== undefined) return text
  throw new Error(`${entry} cannot be built:\n${built.logs.map(String).join("\n")}`)
}
