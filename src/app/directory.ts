import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { generateMasterKey, type MasterKey, parseMasterKey } from "../kit/crypto.ts"
import { defineFaults } from "../kit/errors.ts"
import { mainFile } from "../store/sqlite.ts"
import type { Config } from "./config.ts"

const faults = defineFaults({
  data_directory_not_writable: [400, "The data directory cannot be written."],
  encryption_key_missing: [409, "The key that encrypted the data is missing."],
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

const keyFile = "sluice.key"

/** The configured key, else the key file beside the data, which is made at first start for its owner only. */
export function readMasterKey(config: Config): MasterKey {
  if (config.encryptionKey !== undefined) return parseMasterKey(config.encryptionKey)
  const path = join(config.dataDir, keyFile)
  if (!existsSync(path)) {
    // A new key could not read what is there, and would stand where the lost one has to be put back.
    if (existsSync(join(config.dataDir, mainFile))) throw missingKey(path)
    writeKeyFile(path, generateMasterKey())
  }
  return parseMasterKey(readFileSync(path, "utf8"))
}

/** Whole and on disk before anything is encrypted with it, or not there at all, whenever the process dies. */
function writeKeyFile(path: string, key: string): void {
  const unfinished = `${path}.new`
  writeFileSync(unfinished, `${key}\n`, { mode: 0o600, flush: true })
  chmodSync(unfinished, 0o600)
  renameSync(unfinished, path)
}

const missingKey = (path: string) =>
  faults.encryption_key_missing({
    message: `There is data, but not the key that encrypted it: ${path} does not exist and SLUICE_ENCRYPTION_KEY is not set.`,
    hint: `Set SLUICE_ENCRYPTION_KEY to the key that was used, or restore the key file ${keyFile} beside the data.`,
  })
