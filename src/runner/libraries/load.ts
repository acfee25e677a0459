import { standalone } from "../../kit/entry.ts"
import { buildLibrary } from "./build.ts"
import { libraryNames, type LibraryName } from "./names.ts"

const loaded = new Map<LibraryName, Promise<string>>()

/** The libraries that a bundle asks for by name. */
export function librariesIn(code: string): LibraryName[] {
  return libraryNames.filter((name) => new RegExp(`require\\(\\s*["'\`]${name}["'\`]\\s*\\)`).test(code))
}

/** Texts of libraries by name: those that the build embedded, or bundled here when the sources run. Each is read once. */
export async function readLibraries(names: LibraryName[]): Promise<Record<string, string>> {
  const texts = await Promise.all(names.map(async (name) => [name, await readLibrary(name)] as const))
  return Object.fromEntries(texts)
}

function readLibrary(name: LibraryName): Promise<string> {
  const known = loaded.get(name)
  if (known) return known
  const text = standalone ? Bun.file(`/$bunfs/root/embed/library-${name}.txt`).text() : buildLibrary(name)
  loaded.set(name, text)
  text.catch(() => loaded.delete(name))
  return text
}
