import type { App } from "../app/context.ts"
import { generateMasterKey, keyIdOf, type MasterKey, parseMasterKey, seal, unseal } from "../kit/crypto.ts"
import { AppError, messageOf } from "../kit/errors.ts"
import type { SealedColumn } from "../store/columns.ts"
import { forgetOtherKeys, listKeysInUse, noteKeyInUse } from "./in-use.ts"
import { replaceKeyFile } from "./key-files.ts"
import { keyFaults, type RotationProgress, sealedColumns } from "./model.ts"
import type { Reseal } from "./steps.ts"
import { countRows, readColumn, type SealedValue } from "./values.ts"

/**
 * Begins to seal everything with another key, or goes on with a rotation that was cut off. Requests are served meanwhile,
 * and every key opens what it has sealed until the end. Without `newKey` (base64) one is made. Throws
 * `invalid_encryption_key`, `rotation_unfinished` and `encryption_key_configured`.
 */
export async function rotateKeys(app: App, newKey?: string): Promise<RotationProgress> {
  const { rotation, masterKey } = app
  const given = newKey === undefined ? undefined : parseMasterKey(newKey)
  if (rotation.progress?.state === "running") {
    refuseAnother(masterKey.sealing, given)
    return rotation.progress
  }
  const progress: RotationProgress = { state: "running", key: "", done: 0, total: 0, changed: 0, error: null }
  const before = rotation.progress
  // Set before anything is awaited, so that a second call finds it.
  rotation.progress = progress
  try {
    await chooseKey(app, given)
  } catch (error) {
    rotation.progress = before
    throw error
  }
  progress.key = masterKey.sealing.id
  rotation.work = resealAll(app, progress)
  return progress
}

function refuseAnother(sealing: MasterKey, given: MasterKey | undefined): void {
  if (given === undefined || given.id === sealing.id) return
  throw keyFaults.rotation_unfinished({
    message: `The rotation to the key ${sealing.id} has not ended.`,
  })
}

/** Sees to it that the key seals that everything shall be sealed with, and that it survives this process. */
async function chooseKey(app: App, given: MasterKey | undefined): Promise<void> {
  const { config, masterKey: ring } = app
  const old = ring.sealing
  const isUnfinished = (await listKeysInUse(app)).some((id) => id !== old.id)
  if (isUnfinished) return refuseAnother(old, given)
  if (given?.id === old.id) return
  if (config.encryptionKey !== undefined) {
    throw keyFaults.encryption_key_configured({
      message: `The encryption key ${old.id} comes from the configuration, and nothing is sealed with another one.`,
    })
  }
  const next = given ?? parseMasterKey(generateMasterKey())
  replaceKeyFile(config.dataDir, old, next)
  await noteKeyInUse(app, next.id)
  ring.opening.set(next.id, next)
  ring.sealing = next
}

async function resealAll(app: App, progress: RotationProgress): Promise<void> {
  const { log, store } = app
  try {
    // What was sealed before the change is committed before this transaction begins.
    await store.tx(async () => undefined)
    progress.total = await countRows(app)
    let unreadable: string[] = []
    // A second pass finds nothing: that is the proof before the old key is forgotten.
    for (let pass = 1, found = 1; found > 0; pass++) {
      const seen = { found: 0, unreadable: [] as string[] }
      for (const column of sealedColumns) await resealColumn(app, column, { progress, seen, isFirst: pass === 1 })
      found = seen.found
      unreadable = seen.unreadable
    }
    if (unreadable.length > 0) throw unreadableValues(unreadable)
    await forgetOtherKeys(app, progress.key)
    progress.state = "done"
    log.info({ key: progress.key, changed: progress.changed }, "every sealed value has the new encryption key")
  } catch (error) {
    progress.state = app.stopping.aborted ? "stopped" : "failed"
    progress.error = error instanceof AppError ? error.message : "See the process log of the daemon."
    if (!app.stopping.aborted)
      log.error({ err: error }, `the rotation of the encryption key failed: ${messageOf(error)}`)
  }
}

type Pass = { progress: RotationProgress; seen: { found: number; unreadable: string[] }; isFirst: boolean }

/** One pass over a column, a batch at a time: others write between them. */
async function resealColumn(app: App, column: SealedColumn, { progress, seen, isFirst }: Pass): Promise<void> {
  for await (const values of readColumn(app, column)) {
    if (app.stopping.aborted) throw new Error("The daemon stops.")
    const changes = values.flatMap((value) => resealValue(app, column, value, seen.unreadable))
    if (changes.length > 0) {
      const input: Reseal = { ...column, changes }
      progress.changed += (await app.store.step({ name: "keys.reseal", input })) as number
    }
    seen.found += changes.length
    if (isFirst) progress.done = Math.min(progress.done + values.length, progress.total)
  }
}

function resealValue(app: App, column: SealedColumn, { row, value }: SealedValue, unreadable: string[]) {
  const { masterKey } = app
  if (value === null || keyIdOf(value) === masterKey.sealing.id) return []
  const place = { table: column.table, column: column.column, row }
  try {
    return [{ row, from: value, to: seal(masterKey, place, unseal(masterKey, place, value)) }]
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    unreadable.push(`${column.table}.${column.column} of row ${row} (key ${keyIdOf(value) ?? "unknown"})`)
    return []
  }
}

const unreadableValues = (all: string[]) =>
  keyFaults.wrong_encryption_key({
    message: `${all.length} of the sealed values can be opened with no key that is there: ${all.slice(0, 10).join(", ")}${all.length > 10 ? ", …" : ""}. The others have the new key; the retired keys stay in use.`,
  })
