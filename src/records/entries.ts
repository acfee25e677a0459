import { StepError } from "../store/writer.ts"
import { bodyCharactersMax, externalIdMax, nestingMax } from "./model.ts"
import { isObject, type Json, type JsonObject, nestsDeeperThan, normalisePayload } from "./payload.ts"

/** One record of a step's body. `index` is its place in the call, for messages. */
export type Entry = { index: number; id: string; text: string }
export type Entries = { entries: Entry[]; duplicates: string[] }

/** Raised for a record that cannot be stored. `data` names its place and the reason. */
export const invalidRecord = (index: number, reason: string) =>
  new StepError("invalid_record", `Record ${index} is not valid: ${reason}.`, {
    index,
    reason,
  })

/**
 * Pairs the lines of a body with their ids. The first of several records with one id wins, as in the reference; the
 * others are still checked. Throws `invalid_record`.
 */
export function readEntries(ids: string[], body: string | undefined): Entries {
  const lines = splitLines(ids.length, body)
  const entries = new Map<string, Entry>()
  const duplicates = new Set<string>()
  for (const [index, text] of lines.entries()) {
    const entry = {
      index,
      id: readExternalId(index, ids[index] as string),
      text,
    }
    if (!entries.has(entry.id)) {
      entries.set(entry.id, entry)
      continue
    }
    parseEntry(entry)
    duplicates.add(entry.id)
  }
  return { entries: [...entries.values()], duplicates: [...duplicates] }
}

/**
 * The record of an entry in its stored form (`normalisePayload`). Throws `invalid_record` when the text is not a JSON
 * object whose own id is the one it was announced with.
 */
export function parseEntry({ index, id, text }: Entry): JsonObject {
  const value = parseJson(index, text)
  if (!isObject(value)) throw invalidRecord(index, "it is not an object")
  const own = value.id
  if (typeof own !== "string" && typeof own !== "number")
    throw invalidRecord(index, "its id is missing or is no string or number")
  if (own !== id && String(own).replaceAll("\0", "") !== id)
    throw invalidRecord(index, "its id is not the announced one")
  // A text this short cannot nest deeper: each level costs an opening and a closing character.
  if (text.length > 2 * nestingMax && nestsDeeperThan(value, nestingMax))
    throw invalidRecord(index, `it nests deeper than ${nestingMax} levels`)
  return normalisePayload(value, id)
}

function splitLines(count: number, body: string | undefined): string[] {
  const text = body ?? ""
  if (text.length > bodyCharactersMax)
    throw new StepError("invalid_input", `The records have more than ${bodyCharactersMax} characters.`)
  const lines = text === "" ? [] : text.split("\n")
  if (lines.length !== count)
    throw new StepError("invalid_input", `${count} ids were given for ${lines.length} records.`)
  // SQLite and the hash see UTF-8, where all lone surrogates look alike.
  if (!text.isWellFormed()) {
    throw invalidRecord(
      lines.findIndex((line) => !line.isWellFormed()),
      "its text is not valid Unicode",
    )
  }
  return lines
}

function readExternalId(index: number, given: string): string {
  const id = given.replaceAll("\0", "")
  if (id === "") throw invalidRecord(index, "its id is empty")
  if (id.length > externalIdMax) throw invalidRecord(index, `its id is longer than ${externalIdMax} characters`)
  if (!id.isWellFormed()) throw invalidRecord(index, "its id is not valid Unicode")
  return id
}

function parseJson(index: number, text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    // The parser's message would quote the customer's data.
    throw invalidRecord(index, "it is not JSON")
  }
}
