import { randomBytes } from "node:crypto"

/** Secrets that are planted, by what they are. Each is distinct and holds characters that every encoding changes. */
export type Planted = { name: string; text: string }

/** A place where nothing of them may be. */
export type Place = { name: string; bytes: Buffer | string }

export function createGarden() {
  const planted: Planted[] = []
  const add = (name: string, text: string) => {
    if (text.length < 8) throw new Error(`${name} is too short to be told from other text`)
    planted.push({ name, text })
    return text
  }
  return {
    planted,
    /** A new secret. `plain` is for places that take letters and digits only. */
    plant: (name: string, form: "any" | "plain" = "any") => {
      const random = randomBytes(12).toString("hex")
      return add(name, form === "plain" ? `pl${random}` : `pl+${random}/"&=%`)
    },
    /** One that the product or a provider has made. */
    note: add,
  }
}

/** Every form in which a text travels: as it is, in JSON, in URLs and forms, in hexadecimal, in base64 wherever it begins. */
export function formsOf(text: string): string[] {
  const bytes = Buffer.from(text)
  const json = JSON.stringify(text).slice(1, -1)
  const forms = [
    text,
    json,
    JSON.stringify(json).slice(1, -1),
    encodeURIComponent(text),
    encodeURIComponent(encodeURIComponent(text)),
    encodeURI(text),
    new URLSearchParams({ a: text }).toString().slice(2),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    ...[0, 1, 2].flatMap((offset) => {
      const inside = base64Inside(bytes, offset)
      return [inside, inside.replaceAll("+", "-").replaceAll("/", "_")]
    }),
  ]
  return [...new Set(forms)]
}

/** The part of base64 text that is the same whatever stands before (`offset` bytes beyond a multiple of three) and behind. */
function base64Inside(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64")
  const first = Math.ceil((offset * 8) / 6)
  const last = Math.floor(((offset + bytes.length) * 8) / 6)
  return text.slice(first, last)
}

/** What was found where it must not be: `<secret> in <place>: …<what stands around>…`. */
export function findPlanted(planted: readonly Planted[], places: readonly Place[]): string[] {
  const found: string[] = []
  for (const place of places) {
    const text = typeof place.bytes === "string" ? place.bytes : place.bytes.toString("latin1")
    for (const secret of planted) {
      const at = formsOf(secret.text)
        .map((form) => text.indexOf(form))
        .find((index) => index >= 0)
      if (at === undefined) continue
      found.push(`${secret.name} in ${place.name}: …${JSON.stringify(text.slice(Math.max(0, at - 120), at + 120))}…`)
    }
  }
  return found
}
