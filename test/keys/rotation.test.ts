import { Database } from "bun:sqlite"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { is } from "drizzle-orm"
import { SQLiteTable } from "drizzle-orm/sqlite-core"
import { rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { inTransaction } from "../../src/app/context.ts"
import { createKey } from "../../src/environments/keys.ts"
import { replaceKeyFile } from "../../src/keys/key-files.ts"
import { sealedColumns } from "../../src/keys/model.ts"
import { createKeyRing, generateMasterKey, type MasterKey, parseMasterKey } from "../../src/kit/crypto.ts"
import { sealedColumnsOf } from "../../src/store/columns.ts"
import { migrate, migrations } from "../../src/store/migrate.ts"
import { queueWebhook } from "../../src/webhooks/outbox.ts"
import { startStage } from "../connect/stage.ts"
import { testApp } from "../helpers/app.ts"
import { reasonOf } from "../helpers/reason.ts"
import { temporaryFolder } from "../helpers/sluice.ts"
import { ended, filesWith, keysOf, openedValues, sealedValues } from "./stage.ts"

const src = join(import.meta.dir, "../../src")

test("every table with sealed columns, in whichever file of a room it is described, is rotated", async () => {
  const found: string[] = []
  for (const path of new Bun.Glob("*/**/*.ts").scanSync(src)) {
    if (!/\bsealed\(/.test(await Bun.file(join(src, path)).text())) continue
    const exported: Record<string, unknown> = await import(join(src, path))
    for (const one of Object.values(exported))
      if (is(one, SQLiteTable)) found.push(...sealedColumnsOf(one).map(({ table, column }) => `${table}.${column}`))
  }
  expect(found.length).toBeGreaterThan(5)
  expect(sealedColumns.map(({ table, column }) => `${table}.${column}`).toSorted()).toEqual(
    [...new Set(found)].toSorted(),
  )
})

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
function newFolder(): string {
  const folder = temporaryFolder("keys")
  folders.push(folder)
  return folder
}

describe("with a key file", () => {
  const dataDir = newFolder()
  let stage: Awaited<ReturnType<typeof startStage>>
  let old: MasterKey
  let before: ReturnType<typeof openedValues>
  const file = (name: string) => join(dataDir, name)

  beforeAll(async () => {
    stage = await startStage({ app: { dataDir } })
    const { t } = stage
    const otlp_headers = [{ name: "authorization", value: "otlp" }]
    await t.request("POST", "/environments", { body: { name: "staging", hmac_key: "hmac", otlp_headers } })
    await t.request("PUT", "/sluice/environment/variables", { body: [{ name: "A", value: "variable" }] })
    const credentials = { type: "OAUTH2", client_id: "id", client_secret: "secret", webhook_secret: "hook" }
    await stage.integrate("linear", { credentials })
    await stage.integrate("private-api-bearer", { custom: { base: "https://api.example.com" } })
    await t.request("POST", `/webhook/${t.ctx.environment.uuid}/linear`, { body: { type: "Issue" }, key: null })
    const headers = { "x-gitlab-token": "hook" }
    await inTransaction(t.ctx, (ctx) => queueWebhook(ctx, { type: "forward", body: {}, headers }))
    await stage.type("key", { apiKey: "fake-api-key" }, { subdomain: "acme" }, "typed")
    await stage.browser().leave(await stage.session(), "oauth")
    old = t.app.masterKey.sealing
    before = openedValues(dataDir, t.app.masterKey)
  })
  afterAll(() => stage[Symbol.asyncDispose]())

  test("what is tried here holds a value in every sealed column", () => {
    expect([...before].filter(([, rows]) => rows.size === 0).map(([name]) => name)).toEqual([])
  })

  test("everything is sealed again, says the same, and the old key opens nothing", async () => {
    const { t } = stage
    const begun = await t.request("POST", "/sluice/keys/rotate", { body: {} })
    expect([begun.status, begun.body.data.state]).toEqual([202, "running"])
    const { state, changed, done, total, error } = await ended(t.request)
    const values = [...before.values()].reduce((sum, rows) => sum + rows.size, 0)
    expect({ state, changed, error }).toEqual({ state: "done", changed: values, error: null })
    expect([done, total > 0]).toEqual([total, true])
    const { sealing } = t.app.masterKey
    expect(sealing.id).not.toBe(old.id)
    expect(keysOf(dataDir)).toEqual([sealing.id])
    expect(openedValues(dataDir, createKeyRing(sealing))).toEqual(before)
    const read = await stage.get("key", "typed")
    expect(read.body.credentials.apiKey).toBe("fake-api-key")
  })

  test("the new key file is on disk, and the old one beside it, for their owner only", async () => {
    const names = [
      ["sluice.key", stage.t.app.masterKey.sealing],
      [`sluice.key.${old.id}.old`, old],
    ] as const
    for (const [name, key] of names) {
      expect(parseMasterKey(await Bun.file(file(name)).text()).id).toBe(key.id)
      expect(statSync(file(name)).mode & 0o777).toBe(0o600)
    }
  })

  test("the status tells the keys by id, and what each still has", async () => {
    const { data } = (await stage.t.request("GET", "/sluice/keys")).body
    const { sealing } = stage.t.app.masterKey
    const values = [...before.values()].reduce((sum, rows) => sum + rows.size, 0)
    expect(data.keys).toEqual([
      { id: sealing.id, state: "sealing", values, file: "sluice.key" },
      { id: old.id, state: "retired", values: 0, file: `sluice.key.${old.id}.old` },
    ])
    expect(JSON.stringify(data)).not.toContain(sealing.bytes.toString("base64"))
  })

  test("a key of one environment may neither look nor rotate", async () => {
    const { secretKey: key } = await createKey(stage.t.app, { environment: stage.t.ctx.environment, displayName: "k" })
    for (const [method, path] of [
      ["GET", "/sluice/keys"],
      ["GET", "/sluice/keys/rotation"],
      ["POST", "/sluice/keys/rotate"],
    ] as const)
      expect((await stage.t.request(method, path, { key })).status).toBe(403)
  })

  test("a key that is none is refused without being quoted, and nothing changes", async () => {
    const { id } = stage.t.app.masterKey.sealing
    const answer = await stage.t.request("POST", "/sluice/keys/rotate", { body: { new_key: "slip-of-a-key" } })
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_encryption_key"])
    expect(answer.text).not.toContain("slip-of-a-key")
    expect(stage.t.app.masterKey.sealing.id).toBe(id)
  })

  test("a given key, again to a state without the old one; a value that no key opens is named and stays", async () => {
    const { t } = stage
    const { sealing } = t.app.masterKey
    const damaged = sealedValues(dataDir).get("environment_variables.value")?.keys().next().value
    await t.app.store.tx(async ({ db }) => {
      await db.run(
        `UPDATE environment_variables SET value = replace(value, '${sealing.id}', '0123456789ab') WHERE id = ${damaged}`,
      )
    })
    const next = generateMasterKey()
    await t.request("POST", "/sluice/keys/rotate", { body: { new_key: next } })
    const failed = await ended(t.request)
    expect(failed.state).toBe("failed")
    expect(failed.error).toContain(`environment_variables.value of row ${damaged} (key 0123456789ab)`)
    expect(keysOf(dataDir).toSorted()).toEqual([parseMasterKey(next).id, "0123456789ab"].toSorted())

    const other = await t.request("POST", "/sluice/keys/rotate", { body: { new_key: generateMasterKey() } })
    expect([other.status, other.body.error.code]).toEqual([409, "rotation_unfinished"])
    await t.request("PUT", "/sluice/environment/variables", { body: [] })
    expect((await t.request("POST", "/sluice/keys/rotate", { body: {} })).status).toBe(202)
    expect(await ended(t.request)).toMatchObject({ state: "done", changed: 0 })
    expect(keysOf(dataDir)).toEqual([parseMasterKey(next).id])
  })
})

test("a value that a request has changed meanwhile keeps what the request wrote", async () => {
  await using t = await testApp()
  await t.request("PUT", "/sluice/environment/variables", { body: [{ name: "A", value: "variable" }] })
  const column = sealedColumns.find(({ table }) => table === "environment_variables")
  const [[row, from] = []] = sealedValues(t.dataDir).get("environment_variables.value") ?? []
  const reseal = (before: unknown) =>
    t.app.store.step({
      name: "keys.reseal",
      input: { ...column, changes: [{ row, from: before, to: "v1.other.a.b" }] },
    })
  expect(await reseal(`${from}x`)).toBe(0)
  expect(keysOf(t.dataDir)).toEqual([t.app.masterKey.sealing.id])
  expect(await reseal(from)).toBe(1)
  expect(keysOf(t.dataDir)).toContain("other")
})

test("a daemon that is stopped in the middle leaves both keys in use; the next one goes on", async () => {
  const dataDir = newFolder()
  const variables = Array.from({ length: 1_000 }, (_, index) => ({
    name: `V${String(index).padStart(4, "0")}`,
    value: "x",
  }))
  const first = await testApp({ dataDir })
  await first.request("PUT", "/sluice/environment/variables", { body: variables })
  await first.request("POST", "/sluice/keys/rotate", { body: {} })
  await first.close()
  expect(first.app.rotation.progress).toMatchObject({ state: "stopped", key: first.app.masterKey.sealing.id })
  expect(keysOf(dataDir).length).toBeGreaterThan(0)
  await using t = await testApp({ dataDir })
  expect((await t.request("GET", "/sluice/keys")).body.data.keys.map((key: any) => key.state)).toEqual([
    "sealing",
    "retired",
  ])
  expect((await t.request("GET", "/environment-variables")).body).toEqual(variables)
  await t.request("POST", "/sluice/keys/rotate", { body: {} })
  expect((await ended(t.request)).state).toBe("done")
  expect(keysOf(dataDir)).toEqual([first.app.masterKey.sealing.id])
  expect((await t.request("GET", "/environment-variables")).body).toEqual(variables)
})

test("a process that died right after it wrote the new key file starts with both keys, and ends what it began", async () => {
  const dataDir = newFolder()
  const variables = [{ name: "A", value: "variable" }]
  const first = await testApp({ dataDir })
  await first.request("PUT", "/sluice/environment/variables", { body: variables })
  const old = first.app.masterKey.sealing
  await first.close()
  const next = parseMasterKey(generateMasterKey())
  replaceKeyFile(dataDir, old, next)
  await using t = await testApp({ dataDir })
  expect((await t.request("GET", "/environment-variables")).body).toEqual(variables)
  expect((await t.request("POST", "/sluice/keys/rotate", { body: {} })).body.data.key).toBe(next.id)
  expect(await ended(t.request)).toMatchObject({ state: "done", changed: 3 })
  expect(keysOf(dataDir)).toEqual([next.id])
  expect((await t.request("GET", "/environment-variables")).body).toEqual(variables)
})

describe("with a configured key", () => {
  const variables = [{ name: "A", value: "variable" }]
  const open = (dataDir: string, env: Record<string, string>) => testApp({ dataDir, env })

  test("the old one is given beside the new one until everything is sealed again", async () => {
    const dataDir = newFolder()
    const [first, second] = [generateMasterKey(), generateMasterKey()]
    const [firstId, secondId] = [parseMasterKey(first).id, parseMasterKey(second).id]
    {
      await using t = await open(dataDir, { SLUICE_ENCRYPTION_KEY: first })
      await t.request("PUT", "/sluice/environment/variables", { body: variables })
      const refused = await t.request("POST", "/sluice/keys/rotate", { body: {} })
      expect([refused.status, refused.body.error.code]).toEqual([409, "encryption_key_configured"])
    }
    const wrong = (await reasonOf(open(dataDir, { SLUICE_ENCRYPTION_KEY: second }))) as {
      code: string
      message: string
    }
    expect(wrong.code).toBe("wrong_encryption_key")
    for (const id of [firstId, secondId]) expect(wrong.message).toContain(id)
    {
      await using t = await open(dataDir, { SLUICE_ENCRYPTION_KEY: second, SLUICE_ENCRYPTION_KEY_OLD: first })
      expect((await t.request("GET", "/environment-variables")).body).toEqual(variables)
      const { keys } = (await t.request("GET", "/sluice/keys")).body.data
      expect(keys).toEqual([
        { id: secondId, state: "sealing", values: 0, file: null },
        { id: firstId, state: "retired", values: 3, file: null },
      ])
    }
    const missing = (await reasonOf(open(dataDir, { SLUICE_ENCRYPTION_KEY: second }))) as {
      code: string
      message: string
      details: { hint: string }
    }
    expect(missing.code).toBe("retired_key_missing")
    expect(missing.message).toContain(firstId)
    expect(missing.details.hint).toContain("SLUICE_ENCRYPTION_KEY_OLD")
    {
      await using t = await open(dataDir, {
        SLUICE_ENCRYPTION_KEY: second,
        SLUICE_ENCRYPTION_KEY_OLD: `${generateMasterKey()},${first}`,
      })
      await t.request("POST", "/sluice/keys/rotate", { body: {} })
      expect(await ended(t.request)).toMatchObject({ state: "done", changed: 3, key: secondId })
    }
    expect(keysOf(dataDir)).toEqual([secondId])
    expect(filesWith(dataDir, firstId)).toEqual([])
    await using t = await open(dataDir, { SLUICE_ENCRYPTION_KEY: second })
    expect((await t.request("GET", "/environment-variables")).body).toEqual(variables)
  })

  test("a database of before is brought over: its key is known, and sealed settings have columns of their own", async () => {
    const dataDir = newFolder()
    const key = generateMasterKey()
    const { id } = parseMasterKey(key)
    const settings = { callback_url: "https://example.com/cb", hmac_key: `v1.${id}.a.b`, otlp_headers: `v1.${id}.c.d` }
    const db = new Database(join(dataDir, "sluice.db"))
    migrate(db, "main", migrations.main.slice(0, 3))
    db.run("INSERT INTO meta (key, value) VALUES ('key_check', ?)", [`v1.${id}.nonce.text`])
    db.run(
      "INSERT INTO environments (uuid, name, is_production, settings, created_at, updated_at) VALUES ('u', 'dev', 0, ?, 0, 0), ('v', 'prod', 1, '{}', 0, 0)",
      [JSON.stringify(settings)],
    )
    db.close()
    const refused = (await reasonOf(open(dataDir, { SLUICE_ENCRYPTION_KEY: generateMasterKey() }))) as { code: string }
    expect(refused.code).toBe("wrong_encryption_key")
    await using t = await open(dataDir, { SLUICE_ENCRYPTION_KEY: key })
    const [row] = await t.app.store.select("SELECT settings, hmac_key, otlp_headers FROM environments WHERE name = ?", [
      "dev",
    ])
    const { callback_url, ...sealed } = settings
    expect(row).toEqual({ settings: JSON.stringify({ callback_url }), ...sealed })
  })
})
