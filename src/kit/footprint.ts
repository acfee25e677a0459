import { FFIType } from "bun:ffi"
import { readFileSync } from "node:fs"
import { openLibc } from "./libc.ts"

type Range = { address: number; length: number }
type Madvise = (address: number, length: number, advice: number) => number

const dontNeed = 4
const lookMs = 2_000
/** In microseconds of processor time: more between two looks is not idle. */
const idleWork = 20_000
/** What has to be worked before it is worth collecting garbage, and before it is worth giving pages back. */
const garbageWork = 200_000
const pageWork = 5_000

/**
 * Gives memory back each time this process falls idle after work: garbage, code compiled at run time, and pages of the
 * executable, which come back from the page cache when they are used again. Measured (PSS, Bun 1.4): a daemon that has just
 * started goes from 42 to 30 MB, a runner from 22 to 14. To be called before the process loses the right to read files.
 * Pages are given back on Linux only.
 */
export function keepSmall(): void {
  const giveBack = findPages()
  let last = usedMicros()
  const worked = { garbage: garbageWork, pages: pageWork }
  const look = () => {
    const used = usedMicros() - last
    last += used
    worked.garbage += used
    worked.pages += used
    if (used > idleWork) return
    if (worked.garbage >= garbageWork) {
      Bun.gc(true)
      Bun.shrink()
      worked.garbage = 0
    }
    if (worked.pages >= pageWork) {
      giveBack()
      worked.pages = 0
    }
    last = usedMicros()
  }
  setInterval(look, lookMs).unref()
}

function usedMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

function findPages(): () => void {
  if (process.platform !== "linux") return () => undefined
  try {
    const ranges = readCleanRanges(readFileSync("/proc/self/smaps", "latin1"))
    const args = [FFIType.u64, FFIType.u64, FFIType.i32]
    const libc = openLibc({ madvise: { args, returns: FFIType.i32 } })
    const madvise = libc.madvise as Madvise
    return () => {
      for (const { address, length } of ranges) madvise(address, length, dontNeed)
    }
  } catch {
    // No /proc or no known C library: the pages stay, and nothing else is different.
    return () => undefined
  }
}

/**
 * Mappings of files that cannot be written to and of which no page was ever changed (`/proc/<pid>/smaps`, proc(5)), so
 * that nothing is lost when they are read again. Relocated data is not among them: it has pages of its own.
 */
export function readCleanRanges(smaps: string): Range[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((entry) => {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p [0-9a-f]+ \S+ [1-9]\d* +\//.exec(entry)
    if (!head || !/^Anonymous: +0 kB$/m.test(entry)) return []
    const address = Number.parseInt(head[1] ?? "", 16)
    return [{ address, length: Number.parseInt(head[2] ?? "", 16) - address }]
  })
}
