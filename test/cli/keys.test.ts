import { afterEach, expect, test } from "bun:test"
import { barText } from "../../src/cli/progress.ts"
import { runInTerminal, runWith } from "./commands.ts"

const servers: Bun.Server<undefined>[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true)
})

const progress = (more: object) => ({
  state: "running",
  key: "aaaaaaaaaaaa",
  done: 0,
  total: 4,
  changed: 0,
  error: null,
  ...more,
})
const keys = [
  { id: "aaaaaaaaaaaa", state: "sealing", values: 4, file: "sluice.key" },
  { id: "bbbbbbbbbbbb", state: "retired", values: 0, file: "sluice.key.bbbbbbbbbbbb.old" },
]

/** A daemon that says of its rotation what is next in the list, then the last of it again and again. */
function startDaemon(states: object[]) {
  const bodies: unknown[] = []
  const waiting = states.map(progress)
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (request.method === "POST") bodies.push(await request.json())
      if (pathname === "/sluice/keys") return Response.json({ data: { keys, rotation: null } })
      return Response.json({ data: waiting.length > 1 ? waiting.shift() : waiting[0] })
    },
  })
  servers.push(server)
  return { bodies, env: { SLUICE_HOST: `http://127.0.0.1:${server.port}`, SLUICE_SECRET_KEY: "the-secret-key" } }
}
const done = { state: "done", done: 4, changed: 4 }

test("a rotation that takes longer than a second has a bar on a terminal, which goes when it has ended", async () => {
  // Asked five times a second.
  const { env } = startDaemon([...Array.from({ length: 9 }, (_, index) => ({ done: index > 5 ? 3 : 1 })), done])
  const { code, screen } = await runInTerminal(["keys", "rotate"], { env })
  expect(code).toBe(0)
  expect(screen).toContain(`${"█".repeat(22)}${"░".repeat(8)}  75 % encrypting again`)
  const after = screen.slice(screen.lastIndexOf("encrypting again"))
  expect(after).toContain("\r\u001b[2K4 values encrypted again. The key aaaaaaaaaaaa opens everything")
  expect(after).toContain("sluice.key.bbbbbbbbbbbb.old")
})

test("with --json each answer is a line; without a terminal there is no bar", async () => {
  const { env } = startDaemon([{ done: 1 }, { done: 2 }, done])
  const { code, stdout, stderr } = await runWith(["keys", "rotate", "--json"], { env })
  expect([code, stderr]).toEqual([0, ""])
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).data.done),
  ).toEqual([1, 2, 4])
})

test("the new key comes from the environment, a file or stdin", async () => {
  const { env, bodies } = startDaemon([done])
  await runWith(["keys", "rotate"], { env })
  await runWith(["keys", "rotate"], { env: { ...env, SLUICE_NEW_ENCRYPTION_KEY: "from-env" } })
  await runWith(["keys", "rotate", "--new-key-file", "-"], { env, stdin: "from-stdin\n" })
  expect(bodies).toEqual([{}, { new_key: "from-env" }, { new_key: "from-stdin" }])
})

test("one that failed says why, what to type, and ends with 1", async () => {
  const { env } = startDaemon([{}, { state: "failed", error: "the disk is full" }])
  const { code, stdout, stderr } = await runWith(["keys", "rotate"], { env })
  expect([code, stdout]).toEqual([1, ""])
  expect(stderr).toContain("the disk is full")
  expect(stderr).toMatch(/hint: .*sluice keys rotate/)
})

test("a configured key is changed in the configuration first: it ends with 5 and says how", async () => {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      Response.json({ error: { code: "encryption_key_configured", message: "It is configured." } }, { status: 409 }),
  })
  servers.push(server)
  const env = { SLUICE_HOST: `http://127.0.0.1:${server.port}`, SLUICE_SECRET_KEY: "the-secret-key" }
  const { code, stderr } = await runWith(["keys", "rotate"], { env })
  expect(code).toBe(5)
  expect(stderr).toMatch(/hint: .*SLUICE_ENCRYPTION_KEY_OLD/)
})

test("without a daemon it ends with 6 and says how to start one", async () => {
  const { code, stderr } = await runWith(["keys", "rotate"], {
    env: { SLUICE_HOST: "http://127.0.0.1:1", SLUICE_SECRET_KEY: "the-secret-key" },
  })
  expect(code).toBe(6)
  expect(stderr).toMatch(/hint: .*sluice serve/)
})

test("the status is a table for people", async () => {
  const { env } = startDaemon([done])
  const { stdout } = await runWith(["keys", "status"], { env })
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ["KEY", "STATE", "VALUES", "FILE"],
    ["aaaaaaaaaaaa", "sealing", "4", "sluice.key"],
    ["bbbbbbbbbbbb", "retired", "0", "sluice.key.bbbbbbbbbbbb.old"],
  ])
})

test.each([
  [0, 0, "  0 %"],
  [1, 3, " 33 %"],
  [3, 3, "100 %"],
  [9, 3, "100 %"],
])("the bar of %d of %d says %s", (part, total, share) => {
  const text = barText(part, total)
  expect(text.endsWith(` ${share}`)).toBe(true)
  expect([...text.slice(0, 30)].every((cell) => "█░".includes(cell))).toBe(true)
})
