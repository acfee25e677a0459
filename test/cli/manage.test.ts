import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { connectFake } from "../helpers/setup.ts"
import { until } from "../helpers/sluice.ts"
import { indexOf, itemsSync, onC1, runInTerminal, startCommands, writeProject } from "./commands.ts"

let world: Awaited<ReturnType<typeof startCommands>>
beforeAll(async () => {
  world = await startCommands({ fake: { items: 1200 } })
  await connectFake(world.sluice)
})
afterAll(() => world.close())

const credentialsOf = async (id: string, integration: string): Promise<unknown> => {
  const { stdout } = await world.run(["connections", "get", id, "-i", integration, "--json"])
  return (JSON.parse(stdout) as { credentials: unknown }).credentials
}
const ok = async (args: string[], options: Parameters<typeof world.run>[1] = {}): Promise<string> => {
  const { code, stdout, stderr } = await world.run(args, options)
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: expect.any(String) as string })
  return stdout
}

test("secrets come from arguments, files or stdin, and never show without --json", async () => {
  const file = join(writeProject({ secret: "from-a-file\n" }), "secret")
  const given: [id: string, flags: string[], stdin: string, secret: string][] = [
    ["a", ["--api-key", "from-an-argument"], "", "from-an-argument"],
    ["b", ["--api-key-file", file], "", "from-a-file"],
    ["c", ["--api-key", "-"], "from-stdin\n", "from-stdin"],
    ["d", ["--credentials", "-"], '{"type":"API_KEY","apiKey":"from-json"}', "from-json"],
  ]
  for (const [id, flags, stdin, secret] of given) {
    const shown = await ok(["connections", "import", "-i", "fake", "-c", id, ...flags], { stdin })
    expect(shown).not.toContain(secret)
    expect(await ok(["connections", "get", id, "-i", "fake"])).not.toContain(secret)
    expect(await credentialsOf(id, "fake")).toMatchObject({ type: "API_KEY", apiKey: secret })
  }
})

test("a link for an end user, also for a connection that is there, and what is missing for one", async () => {
  const form = /^http:\/\/localhost:\d+\/connect\/\?session_token=nango_connect_session_[0-9a-f]{64}\n$/
  expect(await ok(["connections", "link", "-i", "fake", "--end-user", "u1"])).toMatch(form)
  expect(await ok(["connections", "link", "-i", "fake", "--reconnect", "c1"])).toMatch(form)
  const json = JSON.parse(await ok(["connections", "link", "--end-user", "u1", "--json"])) as { data: object }
  expect(Object.keys(json.data)).toEqual(["token", "connect_link", "expires_at"])
  for (const [args, code] of [
    [["connections", "link"], 2],
    [["connections", "link", "--reconnect", "c1"], 2],
    [["connections", "link", "-i", "no-such", "--end-user", "u1"], 1],
  ] as const) {
    expect([args, (await world.run([...args])).code]).toEqual([args, code])
  }
})

test("an OAuth2 integration with its client secret, and a connection with tokens", async () => {
  const flags = ["--client-id", "app", "--client-secret", "-", "--scopes", "repo,user"]
  const made = await ok(["integrations", "create", "gh", "-p", "github", ...flags], { stdin: "hidden\n" })
  expect(made).not.toContain("hidden")
  const { stdout } = await world.run(["integrations", "get", "gh", "--credentials", "--json"])
  expect((JSON.parse(stdout) as { data: { credentials: unknown } }).data.credentials).toMatchObject({
    client_id: "app",
    client_secret: "hidden",
    scopes: "repo,user",
  })
  const tokens = ["--access-token", "at", "--refresh-token", "rt", "--expires-at", "2099-01-01T00:00:00.000Z"]
  await ok(["connections", "import", "-i", "gh", "-c", "octocat", ...tokens, "--end-user", "u1", "--tag", "plan=pro"])
  expect(await credentialsOf("octocat", "gh")).toMatchObject({ type: "OAUTH2", access_token: "at" })
  expect(await ok(["connections", "list", "--end-user", "u1"])).toMatch(/^octocat +gh +u1 .*plan=pro/m)
  await ok(["integrations", "update", "gh", "--no-forward-webhooks"])
  await ok(["integrations", "update", "gh", "--display-name", "Ours"])
  expect(await ok(["integrations", "get", "gh"])).toMatch(/^name +Ours\nforwards webhooks +no$/m)
  await ok(["connections", "delete", "octocat", "-i", "gh", "--yes"])
  await ok(["integrations", "update", "gh", "--new-id", "gh2", "--forward-webhooks"])
  expect(await ok(["integrations", "get", "gh2"])).toMatch(/^forwards webhooks +yes$/m)
})

test("metadata is replaced, changed and read", async () => {
  const on = ["c1", "-i", "fake"]
  const metadata = async () => JSON.parse(await ok(["connections", "metadata", "get", ...on])) as unknown
  await ok(["connections", "metadata", "set", "c1", '{"a":1,"b":2}', "-i", "fake"])
  await ok(["connections", "metadata", "update", "c1", "-", "-i", "fake"], { stdin: '{"b":3}' })
  expect(await metadata()).toEqual({ a: 1, b: 3 })
  const file = join(writeProject({ "new.json": '{"c":[1]}' }), "new.json")
  await ok(["connections", "metadata", "set", "c1", `@${file}`, "-i", "fake"])
  expect(await metadata()).toEqual({ c: [1] })
})

test("deleting asks on a terminal; no keeps everything", async () => {
  await ok(["connections", "import", "-i", "fake", "-c", "goes", "--api-key", "k"])
  const remove = ["connections", "delete", "goes", "-i", "fake"]
  const no = await runInTerminal(remove, { env: world.env, typed: [["[y/N] ", "n\r"]] })
  expect(no.code).toBe(5)
  await ok(["connections", "get", "goes", "-i", "fake"])
  const yes = await runInTerminal(remove, { env: world.env, typed: [["[y/N] ", "y\r"]] })
  expect(yes.code).toBe(0)
  expect((await world.run(["connections", "get", "goes", "-i", "fake"])).code).toBe(3)
})

test("schedules: paused and started, a frequency of one's own and back to the function's", async () => {
  const files = { "index.ts": indexOf("fake/syncs/items"), "fake/syncs/items.ts": itemsSync() }
  await ok(["deploy", writeProject(files), "--yes"])
  const status = () => ok(["syncs", "status", "items", ...onC1])
  await ok(["syncs", "start", "items", ...onC1])
  expect(await status()).not.toContain("PAUSED")
  await ok(["syncs", "pause", "items", ...onC1])
  await until(async () => /^items +fake +c1 +PAUSED +every hour/m.test(await status()), "the run to be stopped")
  await ok(["syncs", "frequency", "items", "every 2 hours", ...onC1])
  expect(await status()).toMatch(/ 2 hours /)
  await ok(["syncs", "frequency", "items", "--default", ...onC1])
  expect(await status()).toContain("every hour")
})

test("accept-deletes lets one run past the delete brake, and only one", async () => {
  const wait = () => world.run(["syncs", "trigger", "items", ...onC1, "--wait"])
  expect((await wait()).code).toBe(0)
  world.fake.control({ mutate: { delete: 1190 } })
  expect((await wait()).code).toBe(1)
  const logs = await ok(["logs", "list", "--type", "sync", "--state", "failed", "--json"])
  expect(logs).toContain("would delete 1190 of 1200 records")
  expect(await ok(["syncs", "status", "items", ...onC1])).toContain("Item 1200")
  await ok(["syncs", "accept-deletes", "items", ...onC1])
  expect((await wait()).code).toBe(0)
  expect(await ok(["syncs", "status", "items", ...onC1])).toContain("Item 10")

  world.fake.control({ mutate: { create: 1200 } })
  expect((await wait()).code).toBe(0)
  world.fake.control({ mutate: { delete: 1200 } })
  expect((await wait()).code).toBe(1)
})

test("logs: a run with its messages", async () => {
  const { data } = JSON.parse(await ok(["logs", "--type", "sync", "--limit", "1", "--json"])) as {
    data: { id: string }[]
  }
  const shown = await ok(["logs", "show", data[0]?.id ?? ""])
  expect(shown).toMatch(/^operation +\S+$/m)
  expect(shown).toMatch(/^state +failed$/m)
  expect(shown).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}(debug|info|warn|error)/m)
})
