import { afterAll, beforeAll, expect, test } from "bun:test"
import { connectFake } from "../helpers/setup.ts"
import { executable } from "../helpers/sluice.ts"
import { echoAction, failingSync, indexOf, itemsSync, onC1, runWith, startCommands, writeProject } from "./commands.ts"

let world: Awaited<ReturnType<typeof startCommands>>
let project = ""
beforeAll(async () => {
  world = await startCommands()
  await connectFake(world.sluice)
  project = writeProject({
    "index.ts": indexOf("fake/syncs/items", "fake/syncs/fails", "fake/actions/echo", "fake/actions/hang"),
    "fake/syncs/items.ts": itemsSync(),
    "fake/syncs/fails.ts": failingSync,
    "fake/actions/echo.ts": echoAction(),
    "fake/actions/hang.ts": echoAction("return (await nango.get({ endpoint: '/slow?ms=60000', retries: 0 })).data"),
  })
  const { code, stderr } = await world.run(["deploy", project, "--yes"])
  expect({ code, stderr }).toEqual({ code: 0, stderr: "Deployed: 4 changes.\n" })
})
afterAll(() => world.close())

const usage: [args: string[], says: string][] = [
  [["bogus"], "hint: sluice --help"],
  [["deplyo"], "Did you mean deploy?"],
  [["--bogus"], "hint: sluice --help"],
  [["syncs", "pauze"], "hint: sluice syncs --help"],
  [["syncs", "trigger"], "hint: sluice syncs trigger --help"],
  [["records", "list", "-i", "fake", "-c", "c1"], "required option '-m, --model <name>' not specified"],
  [["records", "list", ...onC1, "-m", "Item", "--limit", "many"], "It must be a whole number."],
  [["integrations", "get", "a", "b"], "too many arguments"],
  [["integrations", "create", "x", "-p", "fake", "--config", "novalue"], "It must look like name=value."],
  [["actions", "trigger", "echo", ...onC1, "--input", "{oops"], "--input is not JSON"],
  [["actions", "trigger", "echo", ...onC1, "--input", "@/no/such/file"], "Cannot read the file /no/such/file"],
  [["connections", "metadata", "set", "c1", "[1]", "-i", "fake"], "must be a JSON object"],
  [["connections", "import", "-i", "fake", "--api-key", "k", "--username", "u"], "Give one kind of credentials."],
  [["connections", "delete", "c1", "-i", "fake"], "hint: Add --yes to confirm."],
  [["integrations", "delete", "fake", "--no-input"], "hint: Add --yes to confirm."],
  [["syncs", "frequency", "items", ...onC1], `sluice syncs frequency items "every 5 minutes"`],
  [["syncs", "list", "-c", "c1"], "hint: sluice syncs list -i <integration> -c c1"],
  [["integrations", "list", "--url", "localhost:3003"], "hint: --url http://localhost:3003"],
  [["integrations", "list", "--env", "prod"], "export SLUICE_SECRET_KEY_PROD=<key>"],
  [["records", "list", "-i", "fake", "-c", "日本", "-m", "Item"], "The connection-id has characters"],
  [["fake-provider", "--items", "-5"], "hint: sluice fake-provider --help"],
]

test.each(usage)("usage: %p ends with 2 and says what to type", async (args, says) => {
  const { code, stdout, stderr } = await world.run(args)
  expect(stderr).toContain(says)
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
})

test("a command group without a verb shows its help and ends with 2", async () => {
  const { code, stderr } = await world.run(["records"])
  expect(code).toBe(2)
  expect(stderr).toContain("Usage: sluice records")
})

const missing: [args: string[], says: string][] = [
  [["integrations", "get", "nope"], "nope"],
  [["connections", "get", "nope", "-i", "fake"], "error: "],
  [["connections", "delete", "nope", "-i", "fake", "--yes"], "hint: sluice connections list"],
  [["records", "list", "-i", "fake", "-c", "nope", "-m", "Item"], "hint: sluice connections list"],
  [["syncs", "trigger", "nope", ...onC1], "hint: sluice syncs list"],
  [["syncs", "start", "-i", "nope"], "hint: sluice integrations create nope"],
  [["actions", "trigger", "nope", ...onC1], "error: "],
  [["logs", "show", "nope"], "hint: sluice logs list"],
  [["providers", "show", "nope"], "hint: sluice providers list"],
  [["deploy", "/no/such/folder"], "/no/such/folder is not a folder"],
]

test.each(missing)("not found: %p ends with 3", async (args, says) => {
  const { code, stdout, stderr } = await world.run(args)
  expect(stderr).toContain(says)
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
})

test.each([["not-a-key"], [crypto.randomUUID()]])("a wrong key (%p) ends with 4", async (key) => {
  const { code, stdout, stderr } = await world.run(["integrations", "list", "--secret-key", key])
  expect({ code, stdout }).toEqual({ code: 4, stdout: "" })
  expect(stderr).toContain("hint: Give the secret key")
  expect(stderr).not.toContain(key)
})

test("a key that no header can carry is refused without being quoted", async () => {
  const { code, stderr } = await world.run(["integrations", "list"], { env: { SLUICE_SECRET_KEY: "hidden\nkey" } })
  expect(code).toBe(2)
  expect(stderr).not.toContain("hidden")
})

test("a key without the scope ends with 4, an answer of something else with 1", async () => {
  const body = { error: { code: "forbidden", message: "Insufficient scope." } }
  await using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) =>
      url.endsWith("/integrations") ? Response.json(body, { status: 403 }) : new Response("<html>", { status: 502 }),
  })
  const env = { SLUICE_HOST: `http://127.0.0.1:${server.port}` }
  const refused = await world.run(["integrations", "list"], { env })
  expect(refused.code).toBe(4)
  expect(refused.stderr).toContain("error: Insufficient scope.")
  const strange = await world.run(["connections", "list"], { env })
  expect(strange.code).toBe(1)
  expect(strange.stderr).toContain("hint: Look whether --url or SLUICE_HOST names the daemon.")
})

test("a redirect is not followed: the key stays with the address that was named", async () => {
  let asked = 0
  await using target = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => (asked++, Response.json({ data: [] })),
  })
  const to = `http://127.0.0.1:${target.port}/integrations`
  await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.redirect(to, 302) })
  const { code } = await world.run(["integrations", "list"], {
    env: { SLUICE_HOST: `http://127.0.0.1:${server.port}` },
  })
  expect({ code, asked }).toEqual({ code: 1, asked: 0 })
})

test("nobody listens: 6, also behind the proxy variables of the environment", async () => {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() })
  const url = `http://127.0.0.1:${server.port}`
  await server.stop(true)
  const { code, stdout, stderr } = await world.run(["integrations", "list"], { env: { SLUICE_HOST: url } })
  expect({ code, stdout }).toEqual({ code: 6, stdout: "" })
  expect(stderr).toContain(`No daemon answers at ${url}`)
  expect(stderr).toContain("hint: Start one with `sluice serve`")
  const proxied = await world.run(["integrations", "list"], { env: { HTTP_PROXY: url, http_proxy: url } })
  expect(proxied.code).toBe(0)
})

test("runs that are waited for: 0 when all end well, 1 when all fail, 7 when some do", async () => {
  const wait = (...names: string[]) => world.run(["syncs", "trigger", ...names, ...onC1, "--wait"])
  const good = await wait("items")
  expect(good.code).toBe(0)
  expect(good.stdout).toMatch(/^items +fake +c1 +\S+/m)
  const bad = await wait("fails")
  expect(bad.code).toBe(1)
  expect(bad.stderr).toContain("1 of 1 sync failed.")
  const both = await wait()
  expect(both.code).toBe(7)
  expect(both.stderr).toContain("1 of 2 syncs failed.")
})

test("Ctrl-C while an action runs ends with 130", async () => {
  const proc = Bun.spawn([executable, "actions", "trigger", "hang", ...onC1], {
    env: world.env,
    stdio: ["ignore", "pipe", "pipe"],
  })
  await world.fake.waitForRequest((seen) => seen.path === "/slow")
  proc.kill("SIGINT")
  expect(await proc.exited).toBe(130)
  expect(await proc.stdout.text()).toBe("")
  expect(await proc.stderr.text()).toBe("error: Interrupted.\n")
})

test("an action that fails ends with 1 and says why", async () => {
  const files = {
    "index.ts": indexOf("fake/actions/boom"),
    "fake/actions/boom.ts": echoAction("throw new nango.ActionError({ message: 'no such contact' })"),
  }
  await using other = await startCommands()
  await connectFake(other.sluice)
  await other.run(["deploy", writeProject(files), "--yes"])
  const { code, stdout, stderr } = await other.run(["actions", "trigger", "boom", ...onC1])
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
  expect(stderr).toContain("no such contact")
})

test("help and version need no daemon and no key", async () => {
  for (const args of [
    ["--help"],
    ["help", "syncs"],
    ["syncs", "trigger", "--help"],
    ["--version"],
    ["serve", "--help"],
  ]) {
    const { code, stdout, stderr } = await runWith(args)
    expect({ code, stderr, empty: stdout === "" }).toEqual({ code: 0, stderr: "", empty: false })
  }
})

test("a key may come from a flag, a file, stdin, --env and Nango's variables", async () => {
  const url = world.sluice.url
  const { key } = world.sluice
  const file = `${project}/key`
  await Bun.write(file, `${key}\n`)
  const ways: [args: string[], env: Record<string, string>, stdin?: string][] = [
    [["--secret-key", key], { SLUICE_HOST: url }],
    [["--secret-key-file", file, "--url", `${url}/`], {}],
    [["--secret-key-file", "-"], { SLUICE_HOST: url }, `${key}\n`],
    [[], { SLUICE_HOST: url, SLUICE_SECRET_KEY_FILE: file }],
    [["--env", "dev"], { NANGO_HOSTPORT: url, NANGO_SECRET_KEY_DEV: key, SLUICE_SECRET_KEY: "another" }],
    [["--env", "dev"], { NANGO_HOSTPORT: url, SLUICE_SECRET_KEY_DEV: key }],
    [[], { NANGO_HOSTPORT: url, NANGO_SECRET_KEY: key }],
  ]
  for (const [args, env, stdin] of ways) {
    const { code, stderr } = await runWith(["connections", "list", ...args], { env, stdin })
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" })
  }
})
