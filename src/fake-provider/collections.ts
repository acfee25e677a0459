import type { Item } from "./items.ts"
import { changedFields, generateItem, itemId, itemNumber, makeFiller, padItem, timeOf } from "./items.ts"
import type { FakeProviderSettings, Mutation, MutationResult } from "./model.ts"
import { fakeErrors } from "./model.ts"
import type { Random } from "./random.ts"
import { makeRandom } from "./random.ts"

const MAX_COLLECTIONS = 200

/** Items are made when they are asked for; only numbers and changes are kept, so a million items cost little. */
type Collection = {
  name: string
  count: number
  /** Numbers of the live items, ascending. */
  live: number[]
  /** `whole`: the fields are all there is; else they lie over what the seed gives. */
  changes: Map<
    number,
    {
      whole: boolean
      fields: Record<string, unknown>
      updatedMs: number
      version: number
    }
  >
  nextNumber: number
  ticks: number
  mutations: number
}

export type Collections = {
  settings: FakeProviderSettings
  filler: string
  byKey: Map<string, Collection>
}

export type CollectionRef = { name: string; count?: number }

export function makeCollections(settings: FakeProviderSettings): Collections {
  return { settings, filler: makeFiller(settings.seed), byKey: new Map() }
}

/** A collection and its size at the start belong together: another `count` is another collection. */
function openCollection(all: Collections, ref: CollectionRef): Collection {
  const count = ref.count ?? all.settings.items
  const key = `${ref.name}/${count}`
  const found = all.byKey.get(key)
  if (found) return found
  if (all.byKey.size >= MAX_COLLECTIONS) {
    throw fakeErrors.invalid_parameter({
      message: `there are ${MAX_COLLECTIONS} collections already; reset first`,
    })
  }
  const live = Array.from({ length: count }, (_, index) => index + 1)
  const made = {
    name: ref.name,
    count,
    live,
    changes: new Map(),
    nextNumber: count + 1,
    ticks: 0,
    mutations: 0,
  }
  all.byKey.set(key, made)
  return made
}

/** Numbers of the live items, ascending; with `since` (milliseconds) only those updated then or later. */
export function listNumbers(all: Collections, ref: CollectionRef, since?: number): readonly number[] {
  const collection = openCollection(all, ref)
  if (since === undefined) return collection.live
  return collection.live.filter((number) => (collection.changes.get(number)?.updatedMs ?? timeOf(number)) >= since)
}

export function readItem(all: Collections, ref: CollectionRef, number: number, sizeBytes: number): Item {
  const collection = openCollection(all, ref)
  const change = collection.changes.get(number)
  const base = change?.whole ? { id: "", updated_at: "" } : generateItem(all.settings.seed, ref.name, number)
  const fixed = change && {
    version: change.version,
    updated_at: new Date(change.updatedMs).toISOString(),
  }
  const item = {
    ...base,
    ...change?.fields,
    id: itemId(ref.name, number),
    ...fixed,
  } as Item
  return change?.whole ? item : padItem(item, sizeBytes, all.filler, number)
}

/** Throws `unknown_item` unless the id belongs to a live item. */
export function findNumber(all: Collections, ref: CollectionRef, id: string): number {
  const collection = openCollection(all, ref)
  const number = itemNumber(ref.name, id)
  if (number === undefined || collection.live[lowerBound(collection.live, number)] !== number) {
    throw fakeErrors.unknown_item({ message: `There is no item ${id}.` })
  }
  return number
}

/** Index of the first number that is not below `number`. */
export function lowerBound(numbers: readonly number[], number: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] ?? 0) < number) low = middle + 1
    else high = middle
  }
  return low
}

export function createItem(all: Collections, ref: CollectionRef, fields: Record<string, unknown>): number {
  const collection = openCollection(all, ref)
  const number = collection.nextNumber++
  const updatedMs = tick(all, collection)
  const created = { created_at: new Date(updatedMs).toISOString() }
  collection.live.push(number)
  collection.changes.set(number, {
    whole: false,
    fields: { ...fields, ...created },
    updatedMs,
    version: 1,
  })
  return number
}

/** `whole` replaces all fields (PUT); else the given ones are laid over the rest (PATCH). */
export function changeItem(
  all: Collections,
  ref: CollectionRef,
  number: number,
  input: { fields: Record<string, unknown>; whole: boolean },
): void {
  const collection = openCollection(all, ref)
  const before = collection.changes.get(number)
  const whole = input.whole || (before?.whole ?? false)
  const fields = input.whole ? input.fields : { ...before?.fields, ...input.fields }
  const updatedMs = tick(all, collection)
  collection.changes.set(number, {
    whole,
    fields,
    updatedMs,
    version: (before?.version ?? 1) + 1,
  })
}

export function deleteItem(all: Collections, ref: CollectionRef, number: number): void {
  const collection = openCollection(all, ref)
  collection.live.splice(lowerBound(collection.live, number), 1)
  collection.changes.delete(number)
}

function tick(all: Collections, collection: Collection): number {
  collection.ticks++
  return all.settings.clock === "real" ? Date.now() : timeOf(collection.count + collection.ticks)
}

/**
 * Updates, then deletes, then creates. Numbers choose different items by the seed, so the n-th mutation of a
 * collection is the same in every run; larger numbers than there are items take all of them.
 */
export function mutateCollection(all: Collections, mutation: Mutation): MutationResult {
  const ref = { name: mutation.collection, count: mutation.count }
  const collection = openCollection(all, ref)
  const random = makeRandom(all.settings.seed, "mutate", ref.name, collection.count, ++collection.mutations)
  const pool = [...collection.live]
  const choose = (wish: number | string[] | undefined) =>
    Array.isArray(wish) ? [...new Set(wish)].map((id) => findNumber(all, ref, id)) : take(random, pool, wish ?? 0)
  const updated = choose(mutation.update)
  const deleted = choose(mutation.delete)

  for (const number of updated)
    changeItem(all, ref, number, {
      fields: changedFields(random),
      whole: false,
    })
  for (const number of deleted) deleteItem(all, ref, number)
  const created = Array.from({ length: mutation.create ?? 0 }, () => createItem(all, ref, {}))
  const ids = (numbers: readonly number[]) => numbers.map((number) => itemId(ref.name, number))
  return {
    updated: ids(updated),
    deleted: ids(deleted),
    created: ids(created),
  }
}

/** Takes `count` numbers out of the pool, in ascending order. */
function take(random: Random, pool: number[], count: number): number[] {
  const taken: number[] = []
  while (taken.length < count && pool.length > 0) {
    const index = random.int(pool.length)
    const [last] = pool.splice(-1)
    const chosen = index < pool.length ? pool[index] : last
    if (index < pool.length && last !== undefined) pool[index] = last
    if (chosen !== undefined) taken.push(chosen)
  }
  return taken.toSorted((a, b) => a - b)
}

export function describeCollections(
  all: Collections,
): { name: string; count: number; live: number; changes: number }[] {
  return [...all.byKey.values()].map(({ name, count, live, ticks }) => ({
    name,
    count,
    live: live.length,
    changes: ticks,
  }))
}
