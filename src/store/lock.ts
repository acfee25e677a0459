import { Database } from "bun:sqlite"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { defineFaults } from "../kit/errors.ts"

const faults = defineFaults({
  data_directory_in_use: [409, "Another sluice daemon uses this data directory."],
})

/**
 * Takes the data directory for this process, or refuses and names the process that has it. The lock is an exclusive
 * SQLite transaction on a file of its own: it needs no helper, works on every platform and is freed by `kill -9`.
 */
export function lockDirectory(directory: string): { release: () => void } {
  const pidFile = join(directory, "sluice.pid")
  const db = new Database(join(directory, "lock.db"), { create: true })
  try {
    db.run("PRAGMA busy_timeout = 0")
    db.run("PRAGMA locking_mode = EXCLUSIVE")
    db.run("BEGIN EXCLUSIVE")
  } catch (cause) {
    db.close()
    // SQLITE_BUSY is the answer that the lock exists for; anything else (read-only disk) is reported as it is.
    if (!String(cause).includes("locked")) throw cause
    throw faults.data_directory_in_use({
      message: `The data directory ${directory} is used by another sluice daemon (pid ${readPid(pidFile)}).`,
      hint: "Stop that daemon first, or choose another directory with --data-dir.",
      cause,
    })
  }
  writeFileSync(pidFile, `${process.pid}\n`)
  return {
    release() {
      db.run("ROLLBACK")
      db.close()
    },
  }
}

function readPid(pidFile: string): string {
  try {
    return readFileSync(pidFile, "utf8").trim()
  } catch {
    // The other daemon is between taking the lock and writing its pid.
    return "unknown"
  }
}
