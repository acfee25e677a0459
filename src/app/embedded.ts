import { existsSync } from "node:fs"
import { join } from "node:path"
import { standalone } from "../kit/entry.ts"

/** The catalogue that the build compiled; undefined when the sources run, which read the YAML files themselves. */
export async function embeddedCatalogue(): Promise<Uint8Array | undefined> {
  return standalone ? Bun.file("/$bunfs/root/embed/catalogue.jsonl").bytes() : undefined
}

const folder = join(import.meta.dir, "../../providers")

/** Our own entries in the source tree. */
export const providersFolder: string | undefined = !standalone && existsSync(folder) ? folder : undefined
