import { defineFaults } from "../kit/errors.ts"
import { countLines } from "../kit/lines.ts"
import { countUnseen, findLastChange, listUnseen, liveCount, readRecordPage, readRecords } from "../records/list.ts"
import type { RecordOutcome } from "../records/model.ts"
import { variantModel } from "../syncs/model.ts"
import type { CallInput } from "./calls.ts"
import type { HostRun } from "./host-run.ts"

const faults = defineFaults({
  not_in_actions: [400, "Records can only be used in syncs and webhook functions."],
  unknown_model: [400, "The model is not declared by this function."],
  delete_brake: [409, "The run would delete nearly all records of a model."],
})

const brakeFrom = 1000
const brakeShare = 0.9
/** More deleted keys than this are counted, not listed. */
const longestKeyList = 100_000

export type Target = { runId: number; connectionId: number; model: string; countModel: string }

/** The run's own records of a model; the guest's word is checked against what the function declares. */
export function target(run: HostRun, model: string): Target {
  if (run.runId === undefined) throw faults.not_in_actions()
  if (run.models && !run.models.includes(model)) {
    const message = `The model "${model}" is not declared by this function. Declared are: ${run.models.join(", ")}`
    run.operation.error(message)
    throw faults.unknown_model({ message })
  }
  return {
    runId: run.runId,
    connectionId: run.found.connection.id,
    model: variantModel(model, run.variant),
    countModel: model,
  }
}

const verbs = { "records.save": "Saved", "records.update": "Updated", "records.delete": "Deleted" } as const

/** A batch goes to the writer as it came; what it changed is committed together with the run's counts. */
export async function writeRecords(
  run: HostRun,
  name: "records.save" | "records.update" | "records.delete",
  input: CallInput<"records.save">,
  body: string,
): Promise<void> {
  const records = target(run, input.model)
  const outcome = (await run.ctx.store.step({
    name,
    input: { fence: run.fence, ...records, ids: input.ids, ignoreAfter: run.ignoreAfter.get(records.model) ?? null },
    body,
  })) as RecordOutcome
  if (run.ignoreAfter.has(records.model) && outcome.lastChange !== null)
    run.ignoreAfter.set(records.model, outcome.lastChange)
  for (const id of outcome.duplicates)
    run.operation.error(`The batch of "${input.model}" has two records with the id "${id}"; the first one counts.`)
  const { added, updated, deleted, unchanged } = outcome
  run.operation.info(`${verbs[name]} ${countLines(input.ids)} records of "${input.model}"`, {
    persistResults: { model: input.model, added, updated, deleted, unchanged },
  })
}

export async function getRecords(run: HostRun, input: CallInput<"records.get">): Promise<{ body: string }> {
  const { connectionId, model } = target(run, input.model)
  return { body: await readRecords(run.ctx.store, { connectionId, model, ids: input.ids }) }
}

export async function listRecords(
  run: HostRun,
  input: CallInput<"records.list">,
): Promise<{ output: unknown; body: string }> {
  const { connectionId, model } = target(run, input.model)
  const page = await readRecordPage(run.ctx.store, { connectionId, model, cursor: input.cursor, limit: input.limit })
  return { output: { nextCursor: page.nextCursor }, body: page.lines }
}

export async function startDeletes(run: HostRun, model: string): Promise<void> {
  const { runId, connectionId, model: full } = target(run, model)
  await run.ctx.store.step({
    name: "records.openWindow",
    input: { fence: run.fence, runId, connectionId, model: full, scope: run.scope },
  })
  run.operation.info(`Tracking deletes of "${model}"`)
}

/**
 * Answers at once what would go. The marks are set by the closing step, and only when the run ends well, so that a run
 * that fails after this point deletes nothing.
 */
export async function endDeletes(
  run: HostRun,
  model: string,
  since: "window" | "run",
): Promise<{ deletedKeys: string[] }> {
  const records = target(run, model)
  const unseen = since === "window" ? { scope: run.scope } : { generation: records.runId }
  const key = { connectionId: records.connectionId, model: records.model, ...unseen }
  const count = await countUnseen(run.ctx.store, key)
  await holdBrake(run, records, count)
  if (!run.toMark.some((mark) => mark.model === records.model)) {
    run.toMark.push({ model: records.model, countModel: model, ...unseen })
  }
  run.operation.info(`${count} records of "${model}" will be marked as deleted when the run ends well`)
  return { deletedKeys: await listUnseen(run.ctx.store, { ...key, limit: longestKeyList }) }
}

/** Stops a run that would empty a model: an API that answers nothing looks just like one where everything was deleted. */
export async function holdBrake(run: HostRun, records: Target, count: number): Promise<void> {
  if (!run.ctx.config.deleteBrake || run.acceptDeletes) return
  const live = await liveCount(run.ctx.store, records)
  if (live < brakeFrom || count <= live * brakeShare) return
  throw faults.delete_brake({
    message: `The run would delete ${count} of ${live} records of "${records.countModel}". Nothing was deleted. To accept it: sluice syncs accept-deletes`,
    payload: { model: records.countModel, live, unseen: count },
  })
}

/** From now on records that changed after the model's last change, by somebody else, are left alone. The first call counts. */
export async function setMerging(run: HostRun, input: CallInput<"merging.set">): Promise<void> {
  const { connectionId, model } = target(run, input.model)
  if (input.strategy === "override" || run.ignoreAfter.has(model)) return
  const last = await findLastChange(run.ctx.store, { connectionId, model })
  if (last !== null) run.ignoreAfter.set(model, last)
}
