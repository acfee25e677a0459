import { afterAll, expect } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { AppError } from "../../src/kit/errors.ts"
import { type Catalogue, type CatalogueInput, loadCatalogue } from "../../src/providers/catalogue.ts"
import { compileCatalogue } from "../../src/providers/compile.ts"
import { describeProblem } from "../../src/providers/source.ts"

const roots: string[] = []
afterAll(() => Promise.all(roots.map((root) => rm(root, { recursive: true }))))

/** Writes files into a new folder and gives its path. */
export async function folderOf(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "catalogue-"))
  roots.push(root)
  await Promise.all(Object.entries(files).map(([name, text]) => Bun.write(join(root, name), text)))
  return root
}

export async function fileOf(text: string): Promise<string> {
  return join(await folderOf({ "many.yaml": text }), "many.yaml")
}

/** The lines of the error, without the folder. */
export async function problemsOf(loading: Promise<unknown>): Promise<string[]> {
  const error = await loading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(AppError)
  expect((error as AppError).code).toBe("invalid_provider_catalogue")
  const [, ...lines] = (error as AppError).message.split("\n")
  return lines.map((line) => line.trim().replace(/^\S*\//, ""))
}
/** Loads one catalogue file with this text. */
export const loadExtra = async (text: string, rest: Partial<CatalogueInput> = {}) =>
  loadCatalogue({ embedded: undefined, ...rest, extra: await fileOf(text) })

/** The lines of what is left out of a catalogue, without the folder. */
export const leftOut = async (loading: Promise<Catalogue>) =>
  (await loading).problems.map((problem) => describeProblem(problem).replace(/^\S*\//, ""))

/** These entries as the executable embeds them. */
export async function embeddedOf(entries: Record<string, object>): Promise<Uint8Array> {
  const files = Object.entries(entries).map(([id, entry]) => [`${id}.yaml`, JSON.stringify(entry)])
  return Buffer.from(await compileCatalogue(await folderOf(Object.fromEntries(files))))
}

/** The start of an entry in a file of its own. */
export const base = "display_name: X\ndocs: https://x.test\n"
/** An entry in a file of many. */
export const inMap = (id: string, rest: string) => `${id}:\n  display_name: X\n  docs: https://x.test\n${rest}`
