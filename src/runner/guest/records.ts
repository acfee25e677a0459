import { toLines } from "../../kit/lines.ts"
import type { RunFacts } from "../protocol.ts"
import type { Channel } from "./channel.ts"
import { readList, readOptionalText, readOptions, readText, refuse, textOf } from "./arguments.ts"
import { SdkError } from "./errors.ts"
import type { Validation } from "./validate.ts"

type Write = "records.save" | "records.update" | "records.delete"
type Chunk = { ids: string[]; lines: string[]; size: number }

const chunkRecords = 1000
/** A chunk is also closed at this many characters, to keep single messages small. */
const chunkSize = 16 * 1024 * 1024
const maxRecord = 100 * 1024 * 1024

/**
 * Sends records in chunks, each record as its own JSON text, so that nobody on the way has to parse them. The next
 * chunk is on its way while the one before is being answered; the first failure rejects, earlier chunks stay.
 */
export async function writeRecords(
  channel: Channel,
  { facts, validation }: { facts: RunFacts; validation: Validation },
  write: { call: Write; records: unknown; model: unknown },
): Promise<true> {
  channel.check()
  const { records } = write
  if (records === null || records === undefined) return true
  const list = readList(records)
  if (list?.length === 0) return true
  const model = checkModel(facts, write.model)
  if (!list) throw new SdkError("invalid_sync_record", "Records must be a list", { model })
  if (write.call === "records.save") await validation.checkRecords(model, list)
  let before: Promise<unknown> = Promise.resolve()
  let at = 0
  while (at < list.length) {
    const chunk = takeChunk(list, at, model)
    at += chunk.ids.length
    const sent = channel.call(write.call, { model, ids: toLines(chunk.ids) }, chunk.lines.join("\n"))
    // The failure is seen below or at the end; until then it must not count as unhandled.
    sent.catch(() => undefined)
    await before
    before = sent
  }
  await before
  return true
}

function takeChunk(records: unknown[], from: number, model: string): Chunk {
  const chunk: Chunk = { ids: [], lines: [], size: 0 }
  for (let at = from; at < records.length && chunk.ids.length < chunkRecords; at++) {
    const record = records[at]
    const { id, line } = readRecord(record, at, model)
    if (chunk.ids.length > 0 && chunk.size + line.length > chunkSize) break
    chunk.ids.push(id)
    chunk.lines.push(line)
    chunk.size += line.length
  }
  return chunk
}

function readRecord(record: unknown, at: number, model: string): { id: string; line: string } {
  try {
    const id = checkId(record, at, model)
    // Deleting what is not there would still cost.
    if ("_nango_metadata" in (record as object)) delete (record as Record<string, unknown>)._nango_metadata
    const line = JSON.stringify(record) as string | undefined
    if (line === undefined) throw invalid(model, at, "cannot be written as JSON")
    if (line.length > maxRecord) throw invalid(model, at, "is larger than 100 MB")
    return { id, line }
  } catch (error) {
    if (error instanceof SdkError) throw error
    // Circular, a BigInt, a getter or a toJSON that throws.
    throw invalid(model, at, `cannot be written as JSON: ${textOf(error)}`)
  }
}

function checkId(record: unknown, at: number, model: string): string {
  if (typeof record !== "object" || record === null || Array.isArray(record))
    throw invalid(model, at, "is not an object")
  const { id } = record as { id?: unknown }
  if (id === undefined || id === null || id === "" || id === 0) throw invalid(model, at, "has no id")
  if (typeof id !== "string" && typeof id !== "number")
    throw invalid(model, at, "has an id that is no string or number")
  if (typeof id === "number" && Number.isNaN(id)) throw invalid(model, at, "has an id that is not a number (NaN)")
  if (String(id).length > 255) throw invalid(model, at, "has an id longer than 255 characters")
  return String(id)
}

function invalid(model: string, index: number, what: string): SdkError {
  return new SdkError("invalid_sync_record", `Record ${index} of model "${model}" ${what}`, { model, index })
}

/** @throws SdkError naming the declared models when this one is not among them. */
export function checkModel(facts: RunFacts, model: unknown): string {
  const name = readText(model, "the model")
  if (!facts.models || facts.models.includes(name)) return name
  throw refuse(`The model "${name}" is not declared by this function; declared are: ${facts.models.join(", ")}`)
}

/** Found records by the caller's own id values; those that were not found are absent, deleted ones are there. */
export async function getRecordsByIds(
  channel: Channel,
  parse: (text: string) => unknown,
  input: { ids: unknown; model: string },
): Promise<Map<unknown, unknown>> {
  channel.check()
  const found = new Map<unknown, unknown>()
  const wanted = new Map<string, unknown[]>()
  for (const id of idsOf(input.ids)) {
    const text = readText(id, "an id")
    wanted.set(text, [...(wanted.get(text) ?? []), id])
  }
  const ids = [...wanted.keys()]
  for (let at = 0; at < ids.length; at += 100) {
    const { body } = await channel.call("records.get", { model: input.model, ids: ids.slice(at, at + 100) })
    for (const record of parseLines(body, parse)) {
      const id = String((record as { id: unknown }).id)
      for (const asked of wanted.get(id) ?? []) found.set(asked, record)
    }
  }
  return found
}

function idsOf(ids: unknown): unknown[] {
  if (ids === undefined || ids === null) return []
  const list = readList(ids)
  if (list) return list
  throw refuse("the ids must be a list")
}

export async function* listRecords(
  channel: Channel,
  parse: (text: string) => unknown,
  input: { model: unknown; options: unknown },
): AsyncGenerator<unknown, void, void> {
  channel.check()
  const model = readText(input.model, "the model")
  let cursor = readOptionalText(readOptions(input.options, "its options").cursor, '"cursor"')
  do {
    const { output, body } = await channel.call("records.list", { model, cursor, limit: 100 })
    yield* parseLines(body, parse)
    cursor = (output as { nextCursor?: string | null } | undefined)?.nextCursor ?? undefined
  } while (cursor !== undefined)
}

function parseLines(body: unknown, parse: (text: string) => unknown): unknown[] {
  return typeof body === "string" && body !== "" ? body.split("\n").map(parse) : []
}
