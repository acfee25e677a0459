import { expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { ensureBuilt, executable, until } from "../helpers/sluice.ts"
import { runWith } from "./commands.ts"

/** Every process of the demo stands in the session of its first one, so none can hide. Empty where there is no /proc. */
function processesOf(session: number): string[] {
  if (!existsSync("/proc/self/stat")) return []
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
        const [state, , , sid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
        return Number(sid) === session && state !== "Z" ? [stat.slice(0, 60)] : []
      } catch {
        // It ended while we looked.
        return []
      }
    })
}

function startDemo(args: string[] = []) {
  ensureBuilt()
  const proc = Bun.spawn([executable, "demo", ...args], { env: {}, stdio: ["ignore", "pipe", "pipe"], detached: true })
  let talk = ""
  const read = async () => {
    for await (const chunk of proc.stderr) talk += new TextDecoder().decode(chunk)
  }
  const drained = read()
  return { proc, drained, talk: () => talk }
}

const folderOf = (talk: string): string => /with its data in (\S+)/.exec(talk)?.[1] ?? ""

test("the demo shows a full sync, an incremental one and an action, ends with 0 and leaves nothing", async () => {
  const { proc, drained, talk } = startDemo()
  const out = await proc.stdout.text()
  expect(await proc.exited).toBe(0)
  await drained
  expect(out.match(/^items_\d+ +ADDED /gm)).toHaveLength(22)
  expect(out.match(/^items_\d+ +UPDATED /gm)).toHaveLength(3)
  expect(out.match(/^items_\d+ +DELETED /gm)).toHaveLength(2)
  expect(out).toContain('"name": "Robin Doe"')
  expect(talk()).toContain("The sync added 20, updated 0 and deleted 0 records.")
  expect(talk()).toContain("The sync added 2, updated 3 and deleted 2 records.")
  expect(processesOf(proc.pid)).toEqual([])
  expect(existsSync(folderOf(talk()))).toBe(false)
})

test("--json prints one document", async () => {
  const { code, stdout } = await runWith(["demo", "--json"])
  expect(code).toBe(0)
  const shown = JSON.parse(stdout) as { records: unknown[]; changes: unknown[]; action: { name: string } }
  expect([shown.records.length, shown.changes.length, shown.action.name]).toEqual([20, 7, "Robin Doe"])
})

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in the middle ends every process and removes the folder",
  async (signal) => {
    const { proc, talk, drained } = startDemo()
    await until(() => talk().includes("deploy examples"), "the demo to get going")
    if (existsSync("/proc")) expect(processesOf(proc.pid).length).toBeGreaterThan(2)
    proc.kill(signal)
    expect(await proc.exited).toBe(130)
    await drained
    expect(processesOf(proc.pid)).toEqual([])
    expect(existsSync(folderOf(talk()))).toBe(false)
  },
)

test("--keep leaves it running, says what to try, and ends with 0 on Ctrl-C", async () => {
  const { proc, talk, drained } = startDemo(["--keep"])
  const text = await until(() => (talk().includes("logs\n") ? talk() : undefined), "the demo to be over")
  const url = /SLUICE_HOST=(\S+) SLUICE_SECRET_KEY=(\S+)/.exec(text)
  expect(url).not.toBeNull()
  const env = { SLUICE_HOST: url?.[1] ?? "", SLUICE_SECRET_KEY: url?.[2] ?? "" }
  const listed = await runWith(["syncs", "list"], { env })
  expect(listed.stdout).toMatch(/^contacts +demo +robin +\S+/m)
  proc.kill("SIGINT")
  expect(await proc.exited).toBe(0)
  await drained
  expect(processesOf(proc.pid)).toEqual([])
  expect((await runWith(["syncs", "list"], { env })).code).toBe(6)
})
