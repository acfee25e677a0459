import type { Random } from "./random.ts"
import { makeRandom } from "./random.ts"

export type Item = Record<string, unknown> & { id: string; updated_at: string }

const FIRST_MS = Date.UTC(2025, 0, 1)
const STEP_MS = 60_000

const GIVEN = [
  "Ada",
  "Zoë",
  "Björn",
  "Chidi",
  "Dana",
  "Élise",
  "Farid",
  "Gita",
  "Haruto",
  "Ines",
  "Jan",
  "Kemal",
  "Lúcia",
]
const FAMILY = [
  "Ångström",
  "Baker",
  "Castillo",
  "Dubois",
  "Eze",
  "Fischer",
  "García",
  "Horváth",
  "Ito",
  "Jensen",
  "Kaya",
]
const CITIES = ["Aarhus", "Bogotá", "Cork", "Dakar", "Essen", "Fukuoka", "Gdańsk", "Hanoi", "İzmir", "Jaipur"]
const COUNTRIES = ["DK", "CO", "IE", "SN", "DE", "JP", "PL", "VN", "TR", "IN"]
const TAGS = ["alpha", "beta", "gamma", "delta", "lead", "partner", "trial", "vip", "churned", "import"]
const STATES = ["new", "open", "won", "lost"]
const WORDS = [
  "order",
  "invoice",
  "renewal",
  "contract",
  "meeting",
  "budget",
  "review",
  "delivery",
  "support",
  "upgrade",
]

export function itemId(collection: string, number: number): string {
  return `${collection}_${String(number).padStart(8, "0")}`
}

/** The number inside an id of this collection; `undefined` for any other text. */
export function itemNumber(collection: string, id: string): number | undefined {
  if (!id.startsWith(`${collection}_`)) return undefined
  const digits = id.slice(collection.length + 1)
  return /^\d{8,}$/.test(digits) ? Number(digits) : undefined
}

/** Milliseconds; the timeline of a collection advances one minute for each item or change. */
export function timeOf(number: number): number {
  return FIRST_MS + number * STEP_MS
}

/** One item as the seed gives it, before any change and without its `description`. */
export function generateItem(seed: number, collection: string, number: number): Item {
  const random = makeRandom(seed, "item", collection, number)
  const given = random.pick(GIVEN)
  const family = random.pick(FAMILY)
  const at = new Date(timeOf(number)).toISOString()
  const place = random.int(CITIES.length)
  return {
    id: itemId(collection, number),
    number,
    name: `${given} ${family}`,
    email: `${plain(given)}.${plain(family)}.${number}@example.com`,
    status: random.pick(STATES),
    amount: amount(random),
    active: random.next() < 0.8,
    tags: TAGS.filter(() => random.next() < 0.25),
    nested: {
      address: {
        city: CITIES[place],
        country: COUNTRIES[place],
        zip: String(10_000 + random.int(90_000)),
      },
      owner: { id: `owner_${random.int(50)}`, score: random.int(1000) / 10 },
    },
    version: 1,
    created_at: at,
    updated_at: at,
  }
}

/** What a change by `mutate` gives to an item. */
export function changedFields(random: Random): Record<string, unknown> {
  return { amount: amount(random), status: random.pick(STATES) }
}

function amount(random: Random): number {
  return random.int(1_000_000) / 100
}

function plain(name: string): string {
  return name
    .normalize("NFD")
    .replace(/[^a-z]/gi, "")
    .toLowerCase()
}

const FILLER_CHARS = 64 * 1024

export function makeFiller(seed: number): string {
  const random = makeRandom(seed, "filler")
  let text = ""
  while (text.length < FILLER_CHARS) text += `${random.pick(WORDS)} `
  return text
}

/** Adds a `description` so that the item's JSON has `sizeBytes` bytes; an item that is larger stays as it is. */
export function padItem(item: Item, sizeBytes: number, filler: string, number: number): Item {
  if (item.description !== undefined) return item
  const missing = sizeBytes - Buffer.byteLength(JSON.stringify({ ...item, description: "" }))
  if (missing <= 0) return item
  const start = (number * 997) % (FILLER_CHARS / 2)
  const copies = Math.ceil((start + missing) / filler.length)
  return {
    ...item,
    description: (copies > 1 ? filler.repeat(copies) : filler).slice(start, start + missing),
  }
}
