export type Random = {
  /** In [0, 1). */
  next(): number
  /** In [0, below). */
  int(below: number): number
  pick<T>(list: readonly T[]): T
  hex(digits: number): string
}

/**
 * A generator (sfc32) that is fully given by the seed and the scope, so that one part of the fake can draw numbers
 * without moving those of another. xxHash64 seeds it, because its result is fixed by its specification.
 */
export function makeRandom(seed: number, ...scope: (string | number)[]): Random {
  const text = `${seed}/${scope.join("/")}`
  const low = Bun.hash.xxHash64(text, 0n)
  const high = Bun.hash.xxHash64(text, 1n)
  let a = Number(low & 0xffffffffn) | 0
  let b = Number(low >> 32n) | 0
  let c = Number(high & 0xffffffffn) | 0
  let d = Number(high >> 32n) | 0

  const next = () => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4_294_967_296
  }
  const int = (below: number) => Math.floor(next() * below)
  const pick = <T>(list: readonly T[]): T => {
    const value = list[int(list.length)]
    if (value === undefined) throw new RangeError("cannot pick from an empty list")
    return value
  }
  const hex = (digits: number) => {
    let out = ""
    while (out.length < digits) out += int(0x10000).toString(16).padStart(4, "0")
    return out.slice(0, digits)
  }
  return { next, int, pick, hex }
}
