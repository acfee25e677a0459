/**
 * The forms in which a secret text travels: as it is, escaped in JSON, URLs, forms and HTML (also one inside the other),
 * in base64 wherever it begins there, and in hexadecimal. `core` is a part that every writing of the form has: a text
 * without it does not hold the form, which is found out many times faster than with the pattern.
 */
export type SecretForm = { core: string; pattern: RegExp }

/** Shorter texts in base64 or hexadecimal are too likely to stand there by chance. */
const shortestInside = 7
const mostKnown = 1_000
/** Patterns are made once: the same credentials are hidden again and again. */
const known = new Map<string, SecretForm[]>()

export function formsOf(secret: string): SecretForm[] {
  const found = known.get(secret)
  if (found) return found
  const made = makeForms(secret.toWellFormed())
  if (known.size >= mostKnown) known.delete(known.keys().next().value as string)
  known.set(secret, made)
  return made
}

function makeForms(secret: string): SecretForm[] {
  const bytes = Buffer.from(secret)
  const whole = bytes.toString("base64").replace(/=+$/, "")
  if (bytes.length < shortestInside) return [formOf(secret), formOf(whole, padding)]
  const base64 = [0, 1, 2].map((offset) => base64Inside(bytes, offset))
  const hex = bytes.toString("hex")
  const inside = [...new Set([whole, ...base64])].map((text) => formOf(text, padding))
  return [formOf(secret), ...inside, formOf(hex), formOf(hex.toUpperCase())]
}

/** What base64 of any text with the secret in it has in common, when `offset` more than a multiple of three bytes stand before. */
function base64Inside(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64")
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
}

const padding = "={0,2}"

function formOf(text: string, end = ""): SecretForm {
  const runs = text.match(/[A-Za-z0-9]+/g) ?? []
  const core = runs.reduce((longest, run) => (run.length > longest.length ? run : longest), "")
  // Backslashes that follow each other count as one: nobody can tell how often they were escaped.
  return { core, pattern: new RegExp([...text.replace(/\\+/g, "\\")].map(anyWriting).join("") + end, "g") }
}

const entities: Record<string, string> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "#39" }
const controls: Record<string, string> = { "\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f" }
/** The twin of a character in base64url. */
const twins: Record<string, string> = { "+": "-", "/": "_" }

/** A backslash, also as it stands in a URL. */
const slash = String.raw`(?:\\|%(?:25){0,4}5[cC])`

/** Any way to write one character. Letters and digits are never escaped. All repetition is bounded: the text is a stranger's. */
function anyWriting(char: string): string {
  if (/[A-Za-z0-9]/.test(char)) return char
  const units = Array.from({ length: char.length }, (_, at) => char.charCodeAt(at).toString(16).padStart(4, "0"))
  const codes = units.map((unit) => `${slash}{1,8}u${anyCase(unit)}`).join("")
  if (char === "\\") return `(?:${codes}|${slash}){1,32}`
  const bytes = [...Buffer.from(char)].map((byte) => byte.toString(16).padStart(2, "0"))
  const ways = [RegExp.escape(char), bytes.map((byte) => `%(?:25){0,4}${anyCase(byte)}`).join("")]
  if (char === " ") ways.push("\\+")
  if (entities[char]) ways.push(`&(?:amp;){0,4}(?:${entities[char]};|#${char.charCodeAt(0)};)`)
  if (twins[char]) ways.push(twins[char])
  const named = controls[char] ? `|${slash}{1,8}${controls[char]}` : ""
  return `(?:${slash}{0,8}(?:${ways.join("|")})|${codes}${named})`
}

const anyCase = (hex: string): string => hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
