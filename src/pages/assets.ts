import { standalone } from "../kit/entry.ts"

type Files = { read: (path: string) => Promise<Uint8Array<ArrayBuffer> | undefined> }

/** Paths as the build makes them: `connect/index.html`, `connect/assets/<name>-<hash>.<ext>`, each also with `.br`. */
const known = /^[a-z]+\/(index\.html|assets\/[a-z]+-[0-9a-f]+\.(js|css))(\.br)?$/
const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
}

export type Asset = { bytes: Uint8Array<ArrayBuffer>; encoding?: "br"; type: string }

/** A file of a page, compressed where the browser takes that; undefined when there is none. */
export async function readAsset(path: string, acceptEncoding: string | null): Promise<Asset | undefined> {
  if (!known.test(path)) return undefined
  const { read } = await files()
  const type = types[path.slice(path.lastIndexOf(".") + 1)] ?? ""
  const small = takesBrotli(acceptEncoding) ? await read(`${path}.br`) : undefined
  if (small) return { bytes: small, encoding: "br", type }
  const bytes = await read(path)
  return bytes && { bytes, type }
}

let opened: Promise<Files> | undefined
const files = (): Promise<Files> => (opened ??= standalone ? Promise.resolve(embedded) : buildHere())

const embedded: Files = {
  async read(path) {
    const file = Bun.file(`/$bunfs/root/embed/pages/${path}`)
    return (await file.exists()) ? file.bytes() : undefined
  },
}

/** When the sources run, the pages are built once, in memory. The executable carries no build tools: it must not see this import. */
async function buildHere(): Promise<Files> {
  const builder = new URL("../../.ci/pages.ts", import.meta.url).href
  const { buildPages } = (await import(builder)) as { buildPages: () => Promise<Map<string, Uint8Array<ArrayBuffer>>> }
  const built = await buildPages()
  return { read: async (path) => built.get(path) }
}

/** RFC 9110 §12.5.3: named, and not with the quality 0. */
function takesBrotli(header: string | null): boolean {
  const offer = header?.split(",").find((one) => one.trim().toLowerCase().split(/[\s;]/)[0] === "br")
  return offer !== undefined && !/;\s*q=0(\.0*)?\s*$/i.test(offer)
}
