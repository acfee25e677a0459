import { createHash } from "node:crypto"
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { version } from "../kit/version.ts"
import { type Layer, packLayer, unpackLayer } from "./layer.ts"
import type { SourceFile } from "./source.ts"

/** Changes with the rules that an entry is held against, where the version of the program does not. */
const format = 2

/** What a compiled layer depends on: this program, our own catalogue below it, and every byte of the files. */
export function cacheKey(files: readonly SourceFile[], embedded: Uint8Array | undefined): string {
  const hash = createHash("sha256").update(JSON.stringify([format, version]))
  hash.update(embedded ?? "")
  for (const { file, text } of files) hash.update(JSON.stringify([file, text.length])).update(text)
  return hash.digest("hex")
}

/** The compiled layer that was stored under this key; undefined when there is none, or when it is damaged. */
export async function readCache(path: string, key: string): Promise<Layer | undefined> {
  // A cache that cannot be read is as good as none: it is made again.
  try {
    const bytes = await Bun.file(path).bytes()
    const head = `${key}\n`
    if (Buffer.from(bytes.buffer, bytes.byteOffset, head.length).toString("latin1") !== head) return undefined
    const packed = bytes.subarray(head.length + digestLength + 1)
    const digest = Buffer.from(bytes.buffer, bytes.byteOffset + head.length, digestLength).toString("latin1")
    if (digestOf(packed) !== digest) return undefined
    return unpackLayer(packed, "file")
  } catch {
    return undefined
  }
}

/** Stores a compiled layer, whole or not at all. Answers it as a later start will read it. */
export function writeCache(path: string, key: string, layer: Layer): Layer {
  const packed = packLayer(layer)
  // Without room for a cache the next start takes a little longer. What was left of it is written over then.
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(`${path}.new`, `${key}\n${digestOf(packed)}\n${packed}`, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  } catch {
    return layer
  }
  return unpackLayer(Buffer.from(packed), layer.origin)
}

const digestOf = (packed: string | Uint8Array) => createHash("sha256").update(packed).digest("hex")
const digestLength = 64
