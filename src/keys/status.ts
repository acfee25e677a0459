import type { App } from "../app/context.ts"
import { keyIdOf } from "../kit/crypto.ts"
import { listKeysInUse } from "./in-use.ts"
import { listKeyFiles } from "./key-files.ts"
import { type RotationProgress, sealedColumns } from "./model.ts"
import { readColumn } from "./values.ts"

export type KeyStatus = {
  keys: {
    id: string
    /** `sealing`: what is written is sealed with it. `retired`: it only opens. `missing`: nobody has it. */
    state: "sealing" | "retired" | "missing"
    /** Sealed values that need it. */
    values: number
    /** Its file beside the data; null when it is configured, or held by nobody. */
    file: string | null
  }[]
  rotation: RotationProgress | null
}

/** The keys, and how many sealed values each still has. It looks at every value, in small batches. */
export async function readKeyStatus(app: App): Promise<KeyStatus> {
  const { masterKey, config, rotation } = app
  const files = new Map(listKeyFiles(config.dataDir).map(({ name, key }) => [key.id, name]))
  const counts = await countValues(app)
  const ids = new Set([masterKey.sealing.id, ...(await listKeysInUse(app)), ...counts.keys(), ...files.keys()])
  const keys = [...ids].map((id) => ({
    id,
    state: stateOf(app, id),
    values: counts.get(id) ?? 0,
    file: files.get(id) ?? null,
  }))
  return { keys, rotation: rotation.progress ?? null }
}

function stateOf({ masterKey }: App, id: string) {
  if (id === masterKey.sealing.id) return "sealing" as const
  return masterKey.opening.has(id) ? ("retired" as const) : ("missing" as const)
}

async function countValues(app: App): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const column of sealedColumns) {
    for await (const values of readColumn(app, column)) {
      for (const { value } of values) {
        if (value === null) continue
        const id = keyIdOf(value) ?? "unknown"
        counts.set(id, (counts.get(id) ?? 0) + 1)
      }
    }
  }
  return counts
}
