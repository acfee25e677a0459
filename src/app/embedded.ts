import { existsSync } from "node:fs"
import { join } from "node:path"
import { standalone } from "../kit/entry.ts"

/** The catalogue that the build compiled to JSON; undefined when the sources run, which read the YAML files themselves. */
export async function embeddedCatalogue(): Promise<Record<string, unknown> | undefined> {
  if (!standalone) return undefined
  return (await Bun.file("/$bunfs/root/embed/catalogue.json").json()) as Record<string, unknown>
}

const folder = join(import.meta.dir, "../../providers")

/** Our own entries in the source tree. */
export const providersFolder: string | undefined = !standalone && existsSync(folder) ? folder : undefined
