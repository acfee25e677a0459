import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { defineFaults } from "../kit/errors.ts"

const faults = defineFaults({
  data_directory_not_writable: [400, "The data directory cannot be written."],
})

/** Makes the data directory for its owner only, and finds out now whether it can be written. */
export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const probe = join(directory, ".probe")
    writeFileSync(probe, "")
    rmSync(probe, { force: true })
  } catch (cause) {
    throw faults.data_directory_not_writable({
      message: `The data directory ${directory} cannot be written: ${(cause as Error).message}`,
      hint: "Choose another one with --data-dir, or give the user that runs sluice the right to write there.",
      cause,
    })
  }
}
