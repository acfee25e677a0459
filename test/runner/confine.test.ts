import { expect, test } from "bun:test"
import { existsSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { seccompProgram } from "../../src/runner/seccomp.ts"

type Report = { measures: { name: string; on: boolean }[]; tried: Record<string, string> }

test.skipIf(process.platform !== "linux")("what the kernel offers is used, and what is used holds", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-confine-"))
  using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("reached") })
  const probe = join(import.meta.dir, "confine-probe.ts")
  const child = Bun.spawn([process.execPath, probe, folder, String(server.port)], { stdout: "pipe", stderr: "inherit" })
  const { measures, tried } = JSON.parse(await child.stdout.text()) as Report
  const on = (name: string) => measures.find((measure) => measure.name === name)?.on === true
  expect(measures.map(({ name }) => name)).toContain("seccomp")
  expect(existsSync(join(folder, "written"))).toBe(!on("landlock"))
  if (on("landlock"))
    expect([tried.readFile, tried.readEnvironment, tried.writeFile]).toEqual(["EACCES", "EACCES", "EACCES"])
  if (on("seccomp")) expect([tried.spawn, tried.signal, tried.fetch]).toEqual(["EPERM", "EPERM", "EPERM"])
  expect(await child.exited).toBe(0)
})

test("the filter exists for both machines, is bound to its process, and closes files only when told to", () => {
  for (const arch of ["x64", "arm64"]) {
    const open = seccompProgram(arch, { pid: 7, files: true })
    const closed = seccompProgram(arch, { pid: 7, files: false })
    expect(open?.length ?? 1).toBe((open?.length ?? 0) - ((open?.length ?? 0) % 8))
    expect(closed?.length ?? 0).toBeGreaterThan(open?.length ?? Infinity)
    expect(seccompProgram(arch, { pid: 8, files: true })).not.toEqual(open)
  }
  expect(seccompProgram("riscv64", { pid: 7, files: true })).toBeUndefined()
})

test.skipIf(process.platform !== "linux")("every jump of the filter stays inside it, and every path ends", () => {
  for (const arch of ["x64", "arm64"]) {
    const bytes = seccompProgram(arch, { pid: 7, files: false }) ?? new Uint8Array()
    const view = new DataView(bytes.buffer)
    const length = bytes.length / 8
    for (let at = 0; at < length; at++) {
      const isReturn = view.getUint16(at * 8, true) === 0x06
      if (isReturn) continue
      expect(at + 1 + Math.max(view.getUint8(at * 8 + 2), view.getUint8(at * 8 + 3))).toBeLessThan(length)
    }
    expect(view.getUint16((length - 1) * 8, true)).toBe(0x06)
  }
})

test("a runner leaves when its daemon is killed, even while a function spins", async () => {
  const daemon = Bun.spawn([process.execPath, join(import.meta.dir, "orphan-probe.ts")], { stdout: "pipe" })
  const reader = daemon.stdout.getReader()
  const pid =
    new TextDecoder()
      .decode((await reader.read()).value)
      .trim()
      .split("\n")[0] ?? ""
  expect(Number(pid)).toBeGreaterThan(1)
  daemon.kill("SIGKILL")
  await daemon.exited
  const end = Date.now() + 10_000
  while (existsSync(`/proc/${pid}`) && Date.now() < end) await Bun.sleep(10)
  expect(existsSync(`/proc/${pid}`)).toBe(false)
}, 60_000)
