import { createHash, createHmac } from "node:crypto"

export const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex")

/** HMAC-SHA256 over method, path and body, as one line each. */
export function signature(key: string, parts: readonly string[]): string {
  return createHmac("sha256", key).update(parts.join("\n")).digest("base64")
}
