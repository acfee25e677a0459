/** A time-ordered unique id (UUID v7, RFC 9562). */
export const newUuid = (): string => Bun.randomUUIDv7()

const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/** The id of a log operation: `<epoch ms>_<8 random characters>`, as log readers of the reference expect it. */
export function newOperationId(now: Date): string {
  let random = ""
  for (const byte of crypto.getRandomValues(new Uint8Array(8))) random += digits[byte % digits.length]
  return `${now.getTime()}_${random}`
}
