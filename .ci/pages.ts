import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { brotliCompressSync, constants } from "node:zlib"
import { compile } from "tailwindcss"

/**
 * Builds the web pages into a folder: `<page>/index.html` and `<page>/assets/<name>-<hash>.<ext>`, each with a brotli
 * twin `.br`. `.ci/build.ts` embeds the folder; when the sources run, `src/pages/assets.ts` calls this once.
 */
const sources = join(import.meta.dir, "../src/pages")
const pages = ["connect"]

export async function buildPages(out: string): Promise<void> {
  for (const page of pages) await buildPage(page, join(out, page))
}

async function buildPage(page: string, out: string): Promise<void> {
  const folder = join(sources, page)
  const named = async (file: string, kind: string, content: Promise<string>) => {
    const text = await content
    const name = `assets/${page}-${createHash("sha256").update(text).digest("hex").slice(0, 12)}.${kind}`
    write(join(out, name), text)
    return [file, name] as const
  }
  const assets = await Promise.all([
    named("main.tsx", "js", buildScript(join(folder, "main.tsx"))),
    named(`${page}.css`, "css", buildStyle(join(folder, `${page}.css`), [folder, join(sources, "shared")])),
  ])
  const html = readFileSync(join(folder, "index.html"), "utf8")
  write(
    join(out, "index.html"),
    assets.reduce((text, [file, name]) => text.replace(`"${file}"`, `"${name}"`), html),
  )
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  const best = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
  writeFileSync(`${path}.br`, brotliCompressSync(text, { params: best }))
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
