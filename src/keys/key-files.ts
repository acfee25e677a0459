import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import type { Config } from "../app/config.ts"
import { createKeyRing, generateMasterKey, type KeyRing, type MasterKey, parseMasterKey } from "../kit/crypto.ts"
import { AppError } from "../kit/errors.ts"
import { mainFile } from "../store/sqlite.ts"
import { keyFaults } from "./model.ts"

const keyFile = "sluice.key"
const retiredFile = /^sluice\.key\.[0-9a-f]{12}\.old$/

/**
 * The keys that this daemon works with. The configured key seals, else that of the key file beside the data, which is made
 * at first start for its owner only. Configured old keys and the files of retired ones open what they have sealed.
 */
export function readKeyRing(config: Config): KeyRing {
  const retired = [
    ...listKeyFiles(config.dataDir)
      .filter(({ name }) => retiredFile.test(name))
      .map(({ key }) => key),
    ...config.oldEncryptionKeys.map(parseMasterKey),
  ]
  return createKeyRing(readSealingKey(config), retired)
}

function readSealingKey(config: Config): MasterKey {
  if (config.encryptionKey !== undefined) return parseMasterKey(config.encryptionKey)
  const path = join(config.dataDir, keyFile)
  if (!existsSync(path)) {
    // A new key could not read what is there, and would stand where the lost one has to be put back.
    if (existsSync(join(config.dataDir, mainFile))) throw missingKey(path)
    writeKeyFile(config.dataDir, keyFile, parseMasterKey(generateMasterKey()))
  }
  return readKeyFile(path)
}

/** The key files beside the data: the one that seals and those of retired keys. */
export const listKeyFiles = (directory: string): { name: string; key: MasterKey }[] =>
  readdirSync(directory)
    .filter((name) => name === keyFile || retiredFile.test(name))
    .map((name) => ({ name, key: readKeyFile(join(directory, name)) }))

/**
 * Puts another key in the key file. The old one is on disk under a name of its own before: whenever the process dies, a
 * file holds every key that has sealed something.
 */
export function replaceKeyFile(directory: string, old: MasterKey, next: MasterKey): void {
  writeKeyFile(directory, `${keyFile}.${old.id}.old`, old)
  writeKeyFile(directory, keyFile, next)
}

/** Whole and on disk before anything is encrypted with it, or not there at all, whenever the process dies. */
function writeKeyFile(directory: string, name: string, key: MasterKey): void {
  const path = join(directory, name)
  const unfinished = `${path}.new`
  writeFileSync(unfinished, `${key.bytes.toString("base64")}\n`, { mode: 0o600, flush: true })
  chmodSync(unfinished, 0o600)
  renameSync(unfinished, path)
  // The new name is on disk only when the directory is.
  const folder = openSync(directory, "r")
  fsyncSync(folder)
  closeSync(folder)
}

function readKeyFile(path: string): MasterKey {
  try {
    return parseMasterKey(readFileSync(path, "utf8"))
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause
    throw keyFaults.invalid_encryption_key({
      message: `The key file ${path} does not hold 32 bytes in base64.`,
      hint: "Restore it from your copy.",
      cause,
    })
  }
}

const missingKey = (path: string) =>
  keyFaults.encryption_key_missing({
    message: `There is data, but not the key that encrypted it: ${path} does not exist and SLUICE_ENCRYPTION_KEY is not set.`,
    hint: `Set SLUICE_ENCRYPTION_KEY to the key that was used, or restore the key file ${keyFile} beside the data.`,
  })
