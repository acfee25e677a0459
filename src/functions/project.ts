import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises"
import { join, relative, sep } from "node:path"
import { defineFaults } from "../kit/errors.ts"

const faults = defineFaults({
  project_not_found: [404, "There is no project here."],
  project_too_large: [400, "The project is too large."],
})

const IGNORED = new Set(["node_modules", "build", "dist", "coverage", "package-lock.json"])
const SUB_FOLDER = "nango-integrations"
const MAX_FILE_BYTES = 1024 * 1024
/** What can be sent to a daemon. */
const sendable: Limits = { files: 5000, totalMiB: 32 }
/** What can be worked on without sending it anywhere: collections of thousands of functions. */
export const localLimits: Limits = { files: 50_000, totalMiB: 512 }
const MAX_DEPTH = 12

type Limits = { files: number; totalMiB: number }
type Walk = { root: string; files: Map<string, string>; bytes: number; limits: Limits }

/**
 * Reads the sources of a project (`.ts`, `.yaml`, `.yml`, `.json`) into a map from project-relative posix path to text.
 * Uses the `nango-integrations` folder when `dir` itself has no project. Leaves out dependencies, build results, dot
 * folders and tests. A symbolic link is followed when it stays inside the project, and passed over when it does not.
 * Throws project_not_found and project_too_large.
 */
export async function readProject(dir: string, limits: Limits = sendable): Promise<Map<string, string>> {
  const root = await findRoot(dir)
  const walk: Walk = { root, files: new Map(), bytes: 0, limits }
  await readFolder(walk, root, "", [root])
  return new Map([...walk.files].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The real path of the folder that holds the project. Throws project_not_found. */
export async function findRoot(dir: string): Promise<string> {
  const root = await realpathOf(dir)
  if (root === undefined || !(await stat(root)).isDirectory()) {
    throw faults.project_not_found({
      message: `${dir} is not a folder.`,
      hint: "sluice deploy <folder of your functions>",
    })
  }
  const names = new Set(await readdir(root))
  if (names.has("index.ts") || names.has("nango.yaml") || names.has("nango.yml")) return root
  const sub = await realpathOf(join(root, SUB_FOLDER))
  return sub !== undefined && isInside(root, sub) && (await stat(sub)).isDirectory() ? sub : root
}

/** `above` holds the real paths from the root to this folder; a link back to one of them is a circle. */
async function readFolder(walk: Walk, real: string, path: string, above: string[]): Promise<void> {
  if (above.length > MAX_DEPTH) throw faults.project_too_large({ message: `${path} is nested too deeply.` })
  for (const name of (await readdir(real)).toSorted()) {
    if (isIgnored(name)) continue
    const target = await followLink(walk.root, join(real, name))
    if (target === undefined) continue
    const child = path === "" ? name : `${path}/${name}`
    const info = await stat(target)
    if (info.isDirectory()) {
      if (!above.includes(target)) await readFolder(walk, target, child, [...above, target])
    } else if (info.isFile() && isSource(name)) await readSource(walk, target, child, info.size)
  }
}

async function readSource(walk: Walk, target: string, path: string, sizeBytes: number): Promise<void> {
  walk.bytes += sizeBytes
  if (sizeBytes > MAX_FILE_BYTES) throw faults.project_too_large({ message: `${path} is larger than 1 MiB.` })
  if (walk.bytes > walk.limits.totalMiB * 1024 * 1024 || walk.files.size >= walk.limits.files) {
    const message = `${walk.root} has more than ${walk.limits.files} source files or ${walk.limits.totalMiB} MiB of source.`
    throw faults.project_too_large({ message, hint: "Name the folder that holds index.ts." })
  }
  walk.files.set(path, await readFile(target, "utf8"))
}

/** The real path of an entry, or undefined for a link that dangles or leads out of the project. */
async function followLink(root: string, path: string): Promise<string | undefined> {
  if (!(await lstat(path)).isSymbolicLink()) return path
  const target = await realpathOf(path)
  if (target === undefined || !isInside(root, target)) return undefined
  return relative(root, target).split(sep).some(isIgnored) ? undefined : target
}

function isIgnored(name: string): boolean {
  return name.startsWith(".") || IGNORED.has(name)
}

async function realpathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    // Missing paths, dangling links and circles of links are answers; anything else is a failure.
    if (code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR") return undefined
    throw error
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !way.startsWith(sep))
}

function isSource(name: string): boolean {
  return /\.(?:ts|ya?ml|json)$/.test(name) && !/\.test\.(?:ts|json)$/.test(name)
}
