import { createHash, createHmac, createVerify } from "node:crypto"
import { equalInConstantTime } from "../kit/crypto.ts"
import type { WebhookVerify } from "../providers/webhook-recipe.ts"
import { type Parsed, textOf, valueAt } from "./incoming.ts"

/** What one way of signing says: `open` when it has nothing to check with, or need not be there. */
export type Verdict = "ok" | "missing" | "invalid" | "open"

export type Secrets = { texts: string[]; isOwners: boolean }

type Kind = (parsed: Parsed, verify: WebhookVerify, secret: string) => "ok" | "missing" | "invalid"

/** Checks one declared way against the secrets that there are. All comparisons take the same time wherever they differ. */
export function verifySignature(parsed: Parsed, verify: WebhookVerify, secrets: Secrets): Verdict {
  const check = kinds[verify.kind]
  if (!check) return "open"
  const { require = "configured" } = verify
  if (secrets.texts.length === 0) return require === "always" ? "missing" : "open"
  const verdicts = secrets.texts.map((secret) => check(parsed, verify, secret))
  if (verdicts.includes("ok")) return "ok"
  if (verdicts.includes("invalid")) return "invalid"
  return require === "present" && !secrets.isOwners ? "open" : "missing"
}

/** JSON Web Tokens are checked elsewhere: their keys have to be fetched. */
const kinds: Partial<Record<WebhookVerify["kind"], Kind>> = {
  hmac: (parsed, verify, secret) =>
    compare(parsed, verify, (signed) =>
      createHmac(verify.algorithm ?? "sha256", secret)
        .update(signed)
        .digest(),
    ),
  digest: (parsed, verify, secret) =>
    compare(parsed, verify, (signed) =>
      createHash(verify.algorithm ?? "sha256")
        .update(secret)
        .update(signed)
        .digest(),
    ),
  token: (parsed, verify, secret) => {
    const found = [valueAt(parsed, verify.signature ?? "")].flat().map((value) => textOf(value) ?? "")
    if (found.every((text) => text === "")) return "missing"
    return found.every((text) => equalInConstantTime(text, secret)) ? "ok" : "invalid"
  },
  rsa: (parsed, verify, secret) => {
    const [signature] = signaturesOf(parsed, verify)
    if (signature === undefined) return "missing"
    try {
      const isGood = createVerify("sha256")
        .update(parsed.bytes)
        .verify(secret, signature, verify.encoding ?? "base64")
      return isGood ? "ok" : "invalid"
    } catch {
      // What the owner has set is no public key: nothing can be good.
      return "invalid"
    }
  },
  "standard-webhooks": (parsed, verify, secret) => {
    const header = (name: string) => parsed.headers[`webhook-${name}`] ?? parsed.headers[`svix-${name}`]
    const [id, timestamp, signature] = [header("id"), header("timestamp"), header("signature")]
    if (id === undefined || timestamp === undefined || signature === undefined) return "missing"
    const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice("whsec_".length), "base64") : secret
    const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(parsed.bytes).digest("base64")
    const isGood = signature
      .split(" ")
      .some((one) => one.startsWith("v1,") && equalInConstantTime(one.slice(3), expected))
    return isGood && isTimely(parsed, timestamp, verify) ? "ok" : "invalid"
  },
}

function compare(
  parsed: Parsed,
  verify: WebhookVerify,
  digest: (signed: Buffer) => Buffer,
): "ok" | "missing" | "invalid" {
  const given = signaturesOf(parsed, verify)
  if (given.length === 0) return "missing"
  const timestamp = timestampOf(parsed, verify)
  const needsTime = verify.signed?.includes("${timestamp}") === true
  if (needsTime && (timestamp === undefined || !isTimely(parsed, timestamp, verify))) return "invalid"
  const encoding = verify.encoding ?? "hex"
  const expected = digest(signedBytes(parsed, verify, timestamp ?? "")).toString(encoding)
  const same = (one: string) => equalInConstantTime(encoding === "hex" ? one.toLowerCase() : one, expected)
  return given.some(same) ? "ok" : "invalid"
}

/** The signatures that came along: usually one; several while a provider changes its key. */
function signaturesOf(parsed: Parsed, { signature, parts, prefix }: WebhookVerify): string[] {
  const text = signature === undefined ? undefined : textOf(valueAt(parsed, signature))
  if (text === undefined) return []
  if (parts) return partsOf(text, parts.signature)
  if (prefix === undefined) return [text]
  return text.startsWith(prefix) ? [text.slice(prefix.length)] : [""]
}

const partsOf = (text: string, name: string): string[] =>
  text.split(",").flatMap((part) => (part.trim().startsWith(`${name}=`) ? part.trim().slice(name.length + 1) : []))

function timestampOf(parsed: Parsed, { signature, parts, timestamp }: WebhookVerify): string | undefined {
  if (timestamp !== undefined) return textOf(valueAt(parsed, timestamp))
  if (parts?.timestamp === undefined || signature === undefined) return undefined
  return partsOf(textOf(valueAt(parsed, signature)) ?? "", parts.timestamp)[0]
}

function isTimely({ receivedAt }: Parsed, timestamp: string, { tolerance = 300 }: WebhookVerify): boolean {
  if (!/^\d{1,12}$/.test(timestamp)) return false
  return Math.abs(receivedAt.getTime() / 1000 - Number(timestamp)) <= tolerance
}

/** The bytes that were signed: the body is put in as it came, not as text. */
function signedBytes({ bytes }: Parsed, { signed = "${body}" }: WebhookVerify, timestamp: string): Buffer {
  const pieces = signed.replaceAll("${timestamp}", timestamp).split("${body}")
  return Buffer.concat(
    pieces.flatMap((piece, index) => (index === 0 ? [Buffer.from(piece)] : [bytes, Buffer.from(piece)])),
  )
}
