import { afterAll, beforeAll, expect, test } from "bun:test"
import { connectFake, onFake } from "../helpers/setup.ts"
import { echoAction, indexOf, itemsSync, onC1, runInTerminal, startCommands, writeProject } from "./commands.ts"

let world: Awaited<ReturnType<typeof startCommands>>
beforeAll(async () => {
  world = await startCommands({ fake: { items: 5 } })
  await connectFake(world.sluice)
  const project = writeProject({
    "index.ts": indexOf("fake/syncs/items", "fake/actions/echo"),
    "fake/syncs/items.ts": itemsSync(),
    "fake/actions/echo.ts": echoAction(),
  })
  await world.run(["deploy", project, "--yes"])
  const { code } = await world.run(["syncs", "trigger", "items", ...onC1, "--wait"])
  expect(code).toBe(0)
})
afterAll(() => world.close())

const escape = "\u001b["

/** Commands that only read: run twice, the API and the CLI must say the same. */
const reading: [args: string[], path: string, headers: Record<string, string>][] = [
  [["integrations", "list"], "/integrations", {}],
  [["integrations", "get", "fake", "--webhook"], "/integrations/fake?include=webhook", {}],
  [["connections", "list"], "/connections", {}],
  [
    ["connections", "list", "-i", "fake", "-i", "other", "--limit", "5"],
    "/connections?integrationId=fake&integrationId=other&limit=5",
    {},
  ],
  [["syncs", "status", ...onC1], "/sync/status?provider_config_key=fake&connection_id=c1&syncs=*", {}],
  [["syncs", "list", "-i", "fake"], "/sync/status?provider_config_key=fake&syncs=*", {}],
  [["records", "list", ...onC1, "-m", "Item", "--limit", "2"], "/records?model=Item&limit=2", onFake()],
  [["logs"], "/sluice/logs", {}],
  [["logs", "list", "--type", "sync", "--limit", "1"], "/sluice/logs?type=sync&limit=1", {}],
]

test.each(reading)("%p --json is the API's answer, byte for byte, and nothing else", async (args, path, headers) => {
  const before = await world.sluice.call("GET", path, { headers })
  const { code, stdout, stderr } = await world.run([...args, "--json"])
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(stdout).toBe(`${before.text}\n`)
})

test.each(reading)("%p for people: aligned columns, no escape codes in a pipe", async (args) => {
  const { code, stdout } = await world.run(args, { env: { CI: "true" } })
  expect(code).toBe(0)
  expect(stdout).not.toContain(escape)
  const lines = stdout.trimEnd().split("\n")
  expect(lines.length).toBeGreaterThan(1)
  expect(lines.every((line) => line === line.trimEnd())).toBe(true)
})

const writing: string[][] = [
  ["integrations", "create", "second", "--provider", "fake", "--display-name", "Second"],
  ["integrations", "update", "second", "--display-name", "The second"],
  ["connections", "import", "-i", "second", "-c", "x", "--api-key", "k", "--metadata", '{"a":1}', "--tag", "plan=pro"],
  ["connections", "metadata", "update", "x", '{"b":2}', "-i", "second"],
  ["connections", "get", "x", "-i", "second"],
  ["syncs", "pause", ...onC1],
  ["syncs", "start", "items", ...onC1],
  ["syncs", "accept-deletes", "items", ...onC1],
  ["syncs", "trigger", "items", ...onC1, "--wait"],
  ["syncs", "frequency", "items", "every 2 hours", ...onC1],
  ["syncs", "frequency", "items", ...onC1, "--default"],
  ["actions", "trigger", "echo", ...onC1, "--input", '{"n":1}'],
  ["connections", "delete", "x", "-i", "second", "--yes"],
  ["integrations", "delete", "second", "--yes"],
  ["syncs", "list"],
  ["providers", "list", "git"],
  ["providers", "show", "github-pat"],
  ["config", "show"],
  ["doctor"],
]

test("every other command prints one JSON document with --json, and talk only on stderr", async () => {
  for (const args of writing) {
    const { code, stdout, stderr } = await world.run([...args, "--json"])
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" })
    expect(() => JSON.parse(stdout) as unknown).not.toThrow()
    expect(stdout.trimEnd().split("\n")).toHaveLength(1)
  }
})

test("an error with --json: the API's error on stdout, the sentence on stderr", async () => {
  const { code, stdout, stderr } = await world.run(["integrations", "get", "nope", "--json"])
  const answer = await world.sluice.call("GET", "/integrations/nope")
  expect({ code, stdout }).toEqual({ code: 3, stdout: `${answer.text}\n` })
  expect(stderr).toStartWith("error: ")
})

test("the issues of a refused body are listed field by field", async () => {
  const { code, stderr } = await world.run(["connections", "import", "-i", "fake", "--api-key", "k", "--tag", "1=bad"])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^ {2}tags\S*: .+$/m)
})

test("colours on a terminal, none with NO_COLOR or TERM=dumb", async () => {
  const list = ["integrations", "list"]
  const seen = await runInTerminal(list, { env: world.env })
  expect(seen.screen).toContain(escape)
  const declined: Record<string, string>[] = [{ NO_COLOR: "1" }, { TERM: "dumb" }]
  for (const env of declined) {
    const plain = await runInTerminal(list, { env: { ...world.env, ...env } })
    expect(plain.code).toBe(0)
    expect(plain.screen).toContain("fake")
    expect(plain.screen).not.toContain(escape)
  }
})

test("what a stranger wrote cannot steer the terminal", async () => {
  const evil = "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp"
  const { run, sluice } = world
  await sluice.call("POST", "/integrations", { body: { provider: "fake", unique_key: "evil", display_name: evil } })
  for (const args of [
    ["integrations", "list"],
    ["integrations", "get", "evil"],
  ]) {
    const { stdout } = await run(args)
    expect(stdout).toContain("owned")
    // oxlint-disable-next-line no-control-regex -- these are what must not come through
    expect(stdout).not.toMatch(/[\u001b\u0007\u009b\u202e]/)
  }
  const raw = await run(["integrations", "get", "evil", "--json"])
  expect((JSON.parse(raw.stdout) as { data: { display_name: string } }).data.display_name).toBe(evil)
  await run(["integrations", "delete", "evil", "--yes"])
})
