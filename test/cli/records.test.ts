import { afterAll, beforeAll, expect, test } from "bun:test"
import { connectFake, onFake } from "../helpers/setup.ts"
import { executable } from "../helpers/sluice.ts"
import { indexOf, itemsSync, onC1, startCommands, writeProject } from "./commands.ts"

let world: Awaited<ReturnType<typeof startCommands>>
beforeAll(async () => {
  world = await startCommands({ fake: { items: 25 } })
  await connectFake(world.sluice)
  const files = { "index.ts": indexOf("fake/syncs/items"), "fake/syncs/items.ts": itemsSync() }
  await world.run(["deploy", writeProject(files), "--yes"])
  await world.run(["syncs", "trigger", "items", ...onC1, "--wait"])
})
afterAll(() => world.close())

type Item = { id: string; _nango_metadata: { cursor: string; last_action: string; pruned_at: string | null } }
type Page = { records: Item[]; next_cursor: string | null }
const list = async (...more: string[]) => {
  const { code, stdout, stderr } = await world.run(["records", "list", ...onC1, "-m", "Item", "--json", ...more])
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return JSON.parse(stdout) as Page
}

test("--all follows the cursor to the end and prints one answer in the API's form", async () => {
  const whole = await world.sluice.call("GET", "/records?model=Item&limit=1000", { headers: onFake() })
  for (const limit of ["4", "25", "1000"]) {
    expect(await list("--all", "--limit", limit)).toEqual(whole.body as Page)
  }
})

test("a page tells people how to go on; --all tells how many there are", async () => {
  const page = await world.run(["records", "list", ...onC1, "-m", "Item", "--limit", "4"])
  expect(page.stdout.trimEnd().split("\n")).toHaveLength(5)
  const cursor = /--cursor (\S+), or --all/.exec(page.stderr)?.[1] ?? ""
  const next = await list("--limit", "4", "--cursor", cursor)
  expect(next.records[0]?.id).toBe("items_00000005")
  const all = await world.run(["records", "list", ...onC1, "-m", "Item", "--limit", "4", "--all"])
  expect(all.stderr).toBe("25 records\n")
  expect(all.stdout.match(/items_\d+/g)).toHaveLength(25)
  expect(all.stdout.match(/^ID /gm)).toHaveLength(1)
})

test("changes since a cursor, by kind", async () => {
  const before = await list("--all")
  const cursor = before.records.at(-1)?._nango_metadata.cursor ?? ""
  world.fake.control({ mutate: { update: 3, delete: 2, create: 1 } })
  await world.run(["syncs", "trigger", "items", ...onC1, "--wait"])
  const since = await list("--cursor", cursor)
  const count = (action: string) => since.records.filter((one) => one._nango_metadata.last_action === action).length
  // An update that leaves id and name alone is none for this model.
  expect([count("ADDED"), count("DELETED")]).toEqual([1, 2])
  const deleted = await list("--cursor", cursor, "--filter", "deleted")
  expect(deleted.records.map((one) => one._nango_metadata.last_action)).toEqual(["DELETED", "DELETED"])
  const [one] = deleted.records
  expect((await list("--id", one?.id ?? "")).records.map(({ id }) => id)).toEqual([one?.id ?? ""])
})

test("prune --all empties everything up to the cursor", async () => {
  const { records } = await list("--all")
  const until = records[9]?._nango_metadata.cursor ?? ""
  const args = ["records", "prune", ...onC1, "-m", "Item", "--until-cursor", until, "--limit", "3", "--all"]
  const { code, stdout } = await world.run([...args, "--json"])
  expect({ code, answer: JSON.parse(stdout) as unknown }).toEqual({ code: 0, answer: { count: 10, has_more: false } })
  const after = await list("--all")
  expect(after.records.filter((one) => one._nango_metadata.pruned_at !== null)).toHaveLength(10)
})

test("a reader that leaves early ends the command quietly", async () => {
  await using big = await startCommands({ fake: { items: 3000 } })
  await connectFake(big.sluice)
  const files = { "index.ts": indexOf("fake/syncs/items"), "fake/syncs/items.ts": itemsSync() }
  await big.run(["deploy", writeProject(files), "--yes"])
  await big.run(["syncs", "trigger", "items", ...onC1, "--wait"])
  const command = `"$SLUICE" records list ${onC1.join(" ")} -m Item --json --all --limit 100 | head -c 10`
  const env = { ...process.env, ...big.env, SLUICE: executable }
  const proc = Bun.spawn(["sh", "-c", command], { env, stdio: ["ignore", "pipe", "pipe"] })
  expect(await proc.stdout.text()).toBe('{"records"')
  expect(await proc.stderr.text()).toBe("")
})
