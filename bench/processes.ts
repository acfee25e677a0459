import { readdirSync, readFileSync } from "node:fs"

const clockTickMs = 10

/** Fields of `/proc/<pid>/stat` from the third one on (proc(5)); undefined when the process has just gone. */
function readStat(pid: number | string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8")
    return text.slice(text.lastIndexOf(")") + 2).split(" ")
  } catch {
    return undefined
  }
}

/** The process and all that came from it, which for the daemon are its runners. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? readStat(name)?.[1] : undefined
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const tree = [root]
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child)
  return tree
}

/**
 * Processor time of a process and of all that came from it, in milliseconds, in steps of 10: user and system time of
 * the living, and of the children that the root has buried.
 */
export function cpuMs(root: number): number {
  let ticks = 0
  for (const pid of processTree(root)) {
    const stat = readStat(pid)
    const fields = pid === root ? [11, 12, 13, 14] : [11, 12]
    for (const field of fields) ticks += Number(stat?.[field] ?? 0)
  }
  return ticks * clockTickMs
}

export type Memory = { processes: number; pssMb: number; rssMb: number; anonymousMb: number }

/** `smaps_rollup` of every process, summed. */
export function memoryOf(root: number): Memory {
  const sum = { processes: 0, pssMb: 0, rssMb: 0, anonymousMb: 0 }
  for (const pid of processTree(root)) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")
    const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) / 1024
    sum.processes++
    sum.pssMb += read("Pss")
    sum.rssMb += read("Rss")
    sum.anonymousMb += read("Anonymous")
  }
  return sum
}
