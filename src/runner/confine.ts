import { closeSync, openSync, writeFileSync } from "node:fs"
import { setPriority } from "node:os"
import { FFIType, ptr } from "bun:ffi"
import { standalone } from "../kit/entry.ts"
import { openLibc } from "../kit/libc.ts"
import { seccompProgram } from "./seccomp.ts"

/** What one measure of confinement came to: `on`, or why it is not. */
export type Measure = { name: string; on: boolean; detail?: string }

type Libc = {
  prctl: (option: number, a: number, b: number, c: number, d: number) => number
  setrlimit: (resource: number, limit: Uint8Array) => number
  syscall: (number: number, a: number, b: number, c: number | null, d: number) => number | bigint
}

const rlimit = { core: 4, data: 2, files: process.arch === "x64" || process.arch === "arm64" ? 7 : -1 }
const noNewPrivileges = 38
const landlock = { create: 444, add: 445, restrict: 446 }
const seccomp = { x64: 317, arm64: 277 }

/**
 * Takes away from this process what running someone's code never needs: files, sockets, other programs, other
 * processes. Each measure is optional, because kernels and containers differ; what came of it is returned for the
 * daemon to show. Must run before anything of a run is loaded. Linux only; elsewhere the other layers stay.
 */
export function confine(): Measure[] {
  if (process.platform !== "linux") return [{ name: "confinement", on: false, detail: "only on Linux" }]
  // The time zone is read from a file at first use, which is no longer possible afterwards. Locales need no file, and
  // touching them here would cost every process 0.5 MB.
  new Date().getTimezoneOffset()
  const measures = [measure("oom_score", raiseOomScore), measure("priority", () => setPriority(5))]
  let libc: Libc
  try {
    libc = openSymbols()
  } catch (error) {
    return [...measures, { name: "ffi", on: false, detail: textOf(error) }]
  }
  return [
    ...measures,
    measure("rlimit_core", () => limit(libc, rlimit.core, 0n)),
    measure("rlimit_files", () => limit(libc, rlimit.files, 256n)),
    measure("no_new_privs", () => check("prctl", libc.prctl(noNewPrivileges, 1, 0, 0, 0))),
    measure("landlock", () => denyFiles(libc)),
    measure("seccomp", () => filterCalls(libc)),
  ]
}

function measure(name: string, apply: () => void): Measure {
  // A measure that this kernel lacks must not stop the runner: the report says so, and `doctor` shows it.
  try {
    apply()
    return { name, on: true }
  } catch (error) {
    return { name, on: false, detail: textOf(error) }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function openSymbols(): Libc {
  const { i32, u64, ptr: pointer, i64 } = FFIType
  return openLibc({
    prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
    setrlimit: { args: [i32, pointer], returns: i32 },
    syscall: { args: [i64, u64, u64, u64, u64], returns: i64 },
  }) as unknown as Libc
}

function check(what: string, result: number | bigint): number {
  if (Number(result) < 0) throw new Error(`${what} was refused by the kernel`)
  return Number(result)
}

function raiseOomScore(): void {
  writeFileSync("/proc/self/oom_score_adj", "1000")
}

function limit(libc: Libc, resource: number, value: bigint): void {
  const bytes = new Uint8Array(new BigUint64Array([value, value]).buffer)
  check("setrlimit", libc.setrlimit(resource, bytes))
}

/** Landlock (kernel documentation, userspace-api/landlock): no file, no TCP, no signal outwards, by ABI version. */
function denyFiles(libc: Libc): void {
  const abi = check("landlock", libc.syscall(landlock.create, 0, 0, 1, 0))
  const files = (1n << BigInt(abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13)) - 1n
  const attributes = new BigUint64Array([files, abi >= 4 ? 3n : 0n, abi >= 6 ? 3n : 0n])
  const size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8
  const ruleset = check("landlock_create_ruleset", libc.syscall(landlock.create, ptr(attributes), size, 0, 0))
  if (!standalone) allowReading(libc, ruleset, new URL("../..", import.meta.url).pathname)
  check("landlock_restrict_self", libc.syscall(landlock.restrict, ruleset, 0, 0, 0))
  closeSync(ruleset)
}

/** Run from sources, a Worker's modules are files, so the checkout stays readable. */
function allowReading(libc: Libc, ruleset: number, directory: string): void {
  const folder = openSync(directory, "r")
  const rule = new Uint8Array(12)
  const view = new DataView(rule.buffer)
  view.setBigUint64(0, 0b1100n, true)
  view.setInt32(8, folder, true)
  check("landlock_add_rule", libc.syscall(landlock.add, ruleset, 1, ptr(rule), 0))
  closeSync(folder)
}

function filterCalls(libc: Libc): void {
  const number = process.arch === "x64" || process.arch === "arm64" ? seccomp[process.arch] : undefined
  const program = seccompProgram(process.arch, { pid: process.pid, files: !standalone })
  if (!number || !program) throw new Error(`no filter for ${process.arch}`)
  const header = new Uint8Array(16)
  const view = new DataView(header.buffer)
  view.setUint16(0, program.length / 8, true)
  view.setBigUint64(8, BigInt(ptr(program)), true)
  // SECCOMP_SET_MODE_FILTER with SECCOMP_FILTER_FLAG_TSYNC: the threads that Bun has already made are bound as well.
  check("seccomp", libc.syscall(number, 1, 1, ptr(header), 0))
}
