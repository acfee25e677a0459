import { afterAll, beforeAll, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { connectFake } from "../helpers/setup.ts"
import { echoAction, failingSync, indexOf, itemsSync, runInTerminal, startCommands, writeProject } from "./commands.ts"

let world: Awaited<ReturnType<typeof startCommands>>
beforeAll(async () => {
  world = await startCommands()
  await connectFake(world.sluice)
})
afterAll(() => world.close())

const twoFunctions = {
  "index.ts": indexOf("fake/syncs/items", "fake/actions/echo"),
  "fake/syncs/items.ts": itemsSync(),
  "fake/actions/echo.ts": echoAction(),
}

/** What is deployed, as the plan of a project tells it. */
async function planOf(dir: string): Promise<string[]> {
  const { stdout } = await world.run(["deploy", dir, "--dry-run", "--json"])
  const plan = JSON.parse(stdout) as { changes: { change: string; name: string }[]; deployed: boolean }
  expect(plan.deployed).toBe(false)
  return plan.changes.map(({ change, name }) => `${change} ${name}`).toSorted()
}

/** Brings the daemon to exactly this state. */
async function deployAll(files: Record<string, string>): Promise<string> {
  const dir = writeProject(files)
  const { code, stderr } = await world.run(["deploy", dir, "--yes", "--allow-destructive"])
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/^(Deployed: |Nothing to deploy)/) as never,
  })
  return dir
}

test("a plan is shown, nothing happens without --yes, then it does; the second time there is nothing to do", async () => {
  const dir = writeProject(twoFunctions)
  const dry = await world.run(["deploy", dir, "--dry-run"])
  expect(dry.code).toBe(5)
  expect(dry.stdout).toMatch(/^\+ +create +sync +fake +items +every hour$/m)
  expect(dry.stdout).toMatch(/^\+ +create +action +fake +echo/m)

  const unconfirmed = await world.run(["deploy", dir])
  expect(unconfirmed.code).toBe(5)
  expect(unconfirmed.stderr).toContain("hint: Add --yes to carry it out.")
  expect(await planOf(dir)).toEqual(["create echo", "create items"])

  const done = await world.run(["deploy", dir, "--yes", "--json"])
  expect(done.code).toBe(0)
  expect((JSON.parse(done.stdout) as { deployed: boolean }).deployed).toBe(true)
  expect(done.stderr).toContain("Deployed: 2 changes.")

  const again = await world.run(["deploy", dir])
  expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: "Nothing to deploy.\n" })
  expect((await world.run(["deploy", dir, "--dry-run"])).code).toBe(0)
})

test("what disappears needs --allow-destructive beside --yes", async () => {
  const dir = await deployAll(twoFunctions)
  rmSync(join(dir, "fake/actions"), { recursive: true })
  writeProject({ "index.ts": indexOf("fake/syncs/items") }, dir)
  for (const flags of [[], ["--yes"], ["--allow-destructive"]]) {
    const { code, stdout, stderr } = await world.run(["deploy", dir, ...flags])
    expect(code).toBe(5)
    expect(stdout).toMatch(/^- +delete +action +fake +echo/m)
    expect(stderr).toContain("hint: Add --yes --allow-destructive to carry it out.")
  }
  expect(await planOf(dir)).toEqual(["delete echo", "keep items"])
  expect((await world.run(["deploy", dir, "--yes", "--allow-destructive"])).code).toBe(0)
  expect(await planOf(dir)).toEqual(["keep items"])
})

test("on a terminal it asks: no changes nothing, yes deploys, Ctrl-C ends with 130", async () => {
  await deployAll({ "index.ts": indexOf("fake/syncs/items"), "fake/syncs/items.ts": itemsSync() })
  const dir = writeProject(twoFunctions)
  const at = (keys: string) => runInTerminal(["deploy", dir], { env: world.env, typed: [["Deploy? [y/N] ", keys]] })
  for (const keys of ["n\r", "\r", "\u0004"]) {
    const { code, screen } = await at(keys)
    expect({ code, said: screen.includes("Nothing was deployed.") }).toEqual({ code: 5, said: true })
  }
  expect((await at("\u0003")).code).toBe(130)
  expect(await planOf(dir)).toEqual(["create echo", "keep items"])
  expect((await at("y\r")).code).toBe(0)
  expect(await planOf(dir)).toEqual(["keep echo", "keep items"])
})

test("on a terminal --yes still asks before something disappears, and --no-input does not ask at all", async () => {
  await deployAll(twoFunctions)
  const dir = writeProject({ "index.ts": indexOf("fake/syncs/items"), "fake/syncs/items.ts": itemsSync() })
  const silent = await runInTerminal(["deploy", dir, "--yes", "--no-input"], { env: world.env })
  expect({ code: silent.code, asked: silent.screen.includes("[y/N]") }).toEqual({ code: 5, asked: false })
  const asked = await runInTerminal(["deploy", dir, "--yes"], {
    env: world.env,
    typed: [["This removes functions or models. Deploy all the same? [y/N] ", "yes\r"]],
  })
  expect(asked.code).toBe(0)
  expect(await planOf(dir)).toEqual(["keep items"])
})

test("a bad project: each problem on its line, exit 1, nothing deployed", async () => {
  const before = await deployAll(twoFunctions)
  const dir = writeProject({
    "index.ts": indexOf("fake/syncs/items", "fake/actions/echo", "fake/actions/broken"),
    "fake/syncs/items.ts": `import fs from "node:fs"\n${itemsSync()}`,
    "fake/actions/echo.ts": echoAction("return 'other'"),
    "fake/actions/broken.ts": "export default createAction({\n",
  })
  const { code, stdout, stderr } = await world.run(["deploy", dir, "--yes"])
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
  expect(stderr).toMatch(/^fake\/syncs\/items\.ts:1:\d+ disallowed_import .+$/m)
  expect(stderr).toMatch(/^fake\/actions\/broken\.ts:\d+:\d+ \w+ .+$/m)
  expect(stderr).toMatch(/^error: \d+ problems in the project; nothing was deployed\.$/m)
  expect(await planOf(before)).toEqual(["keep echo", "keep items"])

  const json = await world.run(["deploy", dir, "--yes", "--json"])
  const { error } = JSON.parse(json.stdout) as { error: { code: string; payload: { diagnostics: { file: string }[] } } }
  expect(error.code).toBe("invalid_project")
  expect(error.payload.diagnostics.map(({ file }) => file)).toContain("fake/actions/broken.ts")
})

test("an integration that does not exist ends with 3 and the command that makes it", async () => {
  const dir = writeProject({ "index.ts": indexOf("other/syncs/items"), "other/syncs/items.ts": itemsSync() })
  const { code, stderr } = await world.run(["deploy", dir, "--yes"])
  expect(code).toBe(3)
  expect(stderr).toContain("hint: sluice integrations create other --provider <name>")
})

test("--integration leaves the functions of others alone", async () => {
  await world.run(["integrations", "create", "second", "--provider", "fake"])
  const dir = await deployAll({
    "index.ts": indexOf("fake/syncs/items", "second/syncs/fails"),
    "fake/syncs/items.ts": itemsSync(),
    "second/syncs/fails.ts": failingSync,
  })
  const only = writeProject({ "index.ts": indexOf("fake/actions/echo"), "fake/actions/echo.ts": echoAction() })
  const { code } = await world.run(["deploy", only, "--integration", "fake", "--yes", "--allow-destructive"])
  expect(code).toBe(0)
  expect(await planOf(dir)).toEqual(["create items", "delete echo", "keep fails"])
})

test("without a name it takes the current folder, also below nango-integrations", async () => {
  await deployAll(twoFunctions)
  const files = Object.fromEntries(
    Object.entries(twoFunctions).map(([path, text]) => [`nango-integrations/${path}`, text]),
  )
  const { code, stderr } = await world.run(["deploy"], { cwd: writeProject(files) })
  expect({ code, stderr }).toEqual({ code: 0, stderr: "Nothing to deploy.\n" })
})
