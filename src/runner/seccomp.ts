/** One classic BPF instruction: code, jump when true, jump when false, constant (linux/filter.h). */
type Instruction = readonly [code: number, jt: number, jf: number, k: number]

/** System call numbers by machine (asm/unistd_64.h, asm-generic/unistd.h). */
type Machine = {
  audit: number
  clone: number
  tgkill: number
  prlimit64: number
  /** Calls that open a file. Landlock binds only the thread that asks for it and its children; this binds all. */
  opening: readonly number[]
  denied: readonly number[]
}

// Same numbers on every machine: pidfd_send_signal, io_uring_*, pidfd_open, open_tree, move_mount, fsopen, fsconfig,
// fsmount, fspick, pidfd_getfd, process_madvise, mount_setattr.
const modern = [424, 425, 426, 427, 434, 428, 429, 430, 431, 432, 433, 438, 440, 442]
const clone3 = 435

const machines: Record<string, Machine> = {
  x64: {
    audit: 0xc000003e,
    clone: 56,
    tgkill: 234,
    prlimit64: 302,
    opening: [2, 85, 257, 437],
    denied: [
      ...[59, 322, 57, 58, 101, 310, 311, 312, 62, 200, 129, 297], // exec, fork, ptrace, other processes, signals
      ...[41, 42, 49, 50, 43, 288], // socket, connect, bind, listen, accept
      ...[165, 166, 155, 161, 272, 308, 304, 303], // mount, roots, namespaces, file handles
      ...[321, 298, 323, 248, 249, 250, 246, 320, 175, 313, 176], // bpf, perf, userfaultfd, keys, kexec, modules
      ...[169, 167, 168, 173, 172, 135, 163, 164, 227, 159, 179, 103, 141], // reboot, swap, ports, clocks, quota
      ...[29, 68, 64, 240], // System V and POSIX queues, which outlive the process
      ...[90, 268, 452, 92, 94, 260, 132, 235, 261, 280, 188, 189], // modes, owners, times, attributes of files
    ],
  },
  arm64: {
    audit: 0xc00000b7,
    clone: 220,
    tgkill: 131,
    prlimit64: 261,
    opening: [56, 437],
    denied: [
      ...[221, 281, 117, 270, 271, 272, 129, 130, 138, 240],
      ...[198, 203, 200, 201, 202, 242],
      ...[40, 39, 41, 51, 97, 268, 265, 264],
      ...[280, 241, 282, 217, 218, 219, 104, 294, 105, 273, 106],
      ...[142, 224, 225, 92, 89, 170, 112, 171, 60, 116, 140],
      ...[194, 186, 190, 180],
      ...[53, 452, 54, 88, 5, 6],
    ],
  },
}

const load = 0x20
const jumpEqual = 0x15
const jumpAtLeast = 0x35
const jumpBits = 0x45
const leave = 0x06
const allow = 0x7fff0000
const killProcess = 0x80000000
const notPermitted = 0x00050001
const noSystemCall = 0x00050026
const offset = { number: 0, machine: 4, firstArgument: 16 }
const cloneThread = 0x00010000
const x32Bit = 0x40000000

/**
 * The filter that a runner puts on itself: no other program, no socket, no signal to another process, no look into one,
 * nothing that changes the machine. Threads stay possible (a Worker is one). clone3 answers "no such call", because a
 * filter cannot look behind its pointer and libc then falls back to clone.
 * @param options.files false refuses to open any file, in every thread
 * @returns the program as bytes of `struct sock_filter[]`, or undefined on a machine that it does not know.
 */
export function seccompProgram(
  arch: string,
  options: { pid: number; files: boolean },
): Uint8Array<ArrayBuffer> | undefined {
  const machine = machines[arch]
  if (!machine) return undefined
  const program: Instruction[] = [
    [load, 0, 0, offset.machine],
    [jumpEqual, 1, 0, machine.audit],
    [leave, 0, 0, killProcess],
    [load, 0, 0, offset.number],
  ]
  if (arch === "x64") program.push([jumpAtLeast, 0, 1, x32Bit], [leave, 0, 0, notPermitted])
  for (const number of [...machine.denied, ...modern, ...(options.files ? [] : machine.opening)]) {
    program.push([jumpEqual, 0, 1, number], [leave, 0, 0, notPermitted])
  }
  program.push([jumpEqual, 0, 1, clone3], [leave, 0, 0, noSystemCall])
  program.push([jumpEqual, 0, 4, machine.clone], [load, 0, 0, offset.firstArgument], [jumpBits, 0, 1, cloneThread])
  program.push([leave, 0, 0, allow], [leave, 0, 0, notPermitted])
  program.push([jumpEqual, 0, 4, machine.tgkill], [load, 0, 0, offset.firstArgument], [jumpEqual, 0, 1, options.pid])
  program.push([leave, 0, 0, allow], [leave, 0, 0, notPermitted])
  program.push([jumpEqual, 0, 5, machine.prlimit64], [load, 0, 0, offset.firstArgument], [jumpEqual, 1, 0, 0])
  program.push([jumpEqual, 0, 1, options.pid], [leave, 0, 0, allow], [leave, 0, 0, notPermitted])
  program.push([leave, 0, 0, allow])
  return encode(program)
}

function encode(program: Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(program.length * 8)
  const view = new DataView(bytes.buffer)
  program.forEach(([code, jt, jf, k], at) => {
    view.setUint16(at * 8, code, true)
    view.setUint8(at * 8 + 2, jt)
    view.setUint8(at * 8 + 3, jf)
    view.setUint32(at * 8 + 4, k, true)
  })
  return bytes
}
