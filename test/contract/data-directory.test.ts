import { Database } from "bun:sqlite"
import { afterEach, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { runCli, type Sluice, startSluice, temporaryFolder } from "../helpers/sluice.ts"
import { apiKey, expectStatus } from "./stage.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
function newFolder(): string {
  const folder = temporaryFolder("data")
  folders.push(folder)
  return folder
}
const serve = (dataDir: string, env: Record<string, string> = {}) =>
  runCli(["serve", "--data-dir", dataDir, "--port", "0"], env)
const key = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64")

async function fill(sluice: Sluice): Promise<void> {
  expectStatus(
    await sluice.call("POST", "/integrations", { body: { provider: "private-api-bearer", unique_key: "mine" } }),
    200,
  )
  const body = { provider_config_key: "mine", connection_id: "c1", credentials: apiKey, metadata: { kept: true } }
  expectStatus(await sluice.call("POST", "/connections", { body }), 201)
}
const read = (sluice: Sluice) => sluice.call("GET", "/connections/c1?provider_config_key=mine")

test("first start: environments, a key file for the owner only, and the secret keys once", async () => {
  const dataDir = join(newFolder(), "made", "by sluice")
  const first = await startSluice({ dataDir, env: { SLUICE_SECRET_KEY: "" } })
  const keys = [...first.output().matchAll(/^ +(dev|prod) +([0-9a-f-]{36})/gm)].map(([, name, value]) => [name, value])
  expect(keys.map(([name]) => name)).toEqual(["dev", "prod"])
  for (const [, value] of keys) expect((await first.call("GET", "/integrations", { key: value })).status).toBe(200)
  expect(statSync(join(dataDir, "sluice.key")).mode & 0o777).toBe(0o600)
  expect(statSync(dataDir).mode & 0o077).toBe(0)
  expect(await first.stop()).toBe(0)
  const stored = readdirSync(dataDir).map((name) => readFileSync(join(dataDir, name), "latin1"))
  for (const [, value] of keys) for (const text of stored) expect(text).not.toContain(value!)

  const second = await startSluice({ dataDir, env: { SLUICE_SECRET_KEY: "" } })
  for (const [, value] of keys) {
    expect(second.output()).not.toContain(value!)
    expect((await second.call("GET", "/integrations", { key: value })).status).toBe(200)
  }
  expect(second.output()).not.toContain("shown once")
  expect(await second.stop()).toBe(0)
})

test("what was stored is there after a restart, and secrets are not readable in the files", async () => {
  const dataDir = newFolder()
  const first = await startSluice({ dataDir })
  await fill(first)
  await first.stop()
  for (const name of readdirSync(dataDir))
    expect(readFileSync(join(dataDir, name), "latin1")).not.toContain(apiKey.apiKey)
  const second = await startSluice({ dataDir })
  expect((await read(second)).body).toMatchObject({ credentials: apiKey, metadata: { kept: true } })
  await second.stop()
})

test("SLUICE_SECRET_KEY and NANGO_SECRET_KEY_<ENV> fix the keys, whatever their form", async () => {
  const env = { NANGO_SECRET_KEY_PROD: "the-key-of-prod" }
  await using sluice = await startSluice({ key: "the-key-of-dev", env })
  await fill(sluice)
  expect((await read(sluice)).status).toBe(200)
  const prod = await sluice.call("GET", "/connections", { key: "the-key-of-prod" })
  expect([prod.status, prod.body]).toEqual([200, { connections: [] }])
})

test("a second daemon on the same directory is refused and told who has it", async () => {
  const dataDir = newFolder()
  const first = await startSluice({ dataDir })
  const { code, stderr } = await serve(dataDir)
  expect(code).not.toBe(0)
  expect(stderr).toContain(`pid ${first.pid}`)
  expect(stderr).toMatch(/hint: .*--data-dir/)
  expect((await first.call("GET", "/health")).status).toBe(200)
  await first.kill()
  // A killed daemon leaves no lock behind.
  const next = await startSluice({ dataDir })
  expect(await next.stop()).toBe(0)
})

test("a directory that cannot be written", async () => {
  const file = join(newFolder(), "a-file")
  writeFileSync(file, "in the way")
  const { code, stderr } = await serve(join(file, "data"))
  expect(code).not.toBe(0)
  expect(stderr).toContain(join(file, "data"))
  expect(stderr).toMatch(/hint: .*--data-dir/)
  expect(readFileSync(file, "utf8")).toBe("in the way")
})

test.each(["sluice.db", "logs.db"])("a newer schema in %s", async (name) => {
  const dataDir = newFolder()
  await (await startSluice({ dataDir })).stop()
  const db = new Database(join(dataDir, name))
  const [{ last }] = db.query("SELECT max(id) AS last FROM migrations").all() as [{ last: number }]
  db.run("INSERT INTO migrations (id, checksum, applied_at) VALUES (?, 'of a later version', 0)", [last + 1])
  db.close()
  const { code, stderr } = await serve(dataDir)
  expect(code).not.toBe(0)
  expect(stderr).toContain(`schema ${last + 1}`)
  expect(stderr).toMatch(/hint: .*(newer|backup)/)
})

test("another encryption key", async () => {
  const dataDir = newFolder()
  const own = key()
  const first = await startSluice({ dataDir, env: { SLUICE_ENCRYPTION_KEY: own } })
  expect(existsSync(join(dataDir, "sluice.key"))).toBe(false)
  await fill(first)
  await first.stop()
  const { code, stderr } = await serve(dataDir, { SLUICE_ENCRYPTION_KEY: key() })
  expect(code).not.toBe(0)
  expect(stderr).toContain("another key")
  expect(stderr).toMatch(/hint: .*SLUICE_ENCRYPTION_KEY/)
  const back = await startSluice({ dataDir, env: { NANGO_ENCRYPTION_KEY: own } })
  expect((await read(back)).body.credentials).toEqual(apiKey)
  await back.stop()
})

test("a lost key: nothing is made in its place", async () => {
  const dataDir = newFolder()
  const first = await startSluice({ dataDir })
  await fill(first)
  await first.stop()
  const keyFile = join(dataDir, "sluice.key")
  const own = readFileSync(keyFile)
  rmSync(keyFile)
  const { code, stderr } = await serve(dataDir)
  expect(code).not.toBe(0)
  expect(stderr).toMatch(/hint: .*sluice\.key/)
  expect(existsSync(keyFile)).toBe(false)
  writeFileSync(keyFile, own)
  const back = await startSluice({ dataDir })
  expect((await read(back)).body.credentials).toEqual(apiKey)
  await back.stop()
})

test("settings that are wrong are told together, and nothing is made", async () => {
  const dataDir = join(newFolder(), "never")
  const { code, stderr } = await serve(dataDir, {
    SLUICE_LOG_LEVEL: "loud",
    SLUICE_RUNNER_MAX: "many",
    SLUICE_ENCRYPTION_KEY: "short",
  })
  expect(code).not.toBe(0)
  for (const name of ["SLUICE_LOG_LEVEL", "SLUICE_RUNNER_MAX"]) expect(stderr).toContain(name)
  expect(existsSync(dataDir)).toBe(false)
})
