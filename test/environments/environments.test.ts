import { describe, expect, test } from "bun:test"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import {
  createEnvironment,
  getEnvironmentByName,
  listVariables,
  saveVariables,
} from "../../src/environments/environments.ts"
import { holdsScope } from "../../src/environments/keys.ts"
import { testApp } from "../helpers/app.ts"
import { reasonOf } from "../helpers/reason.ts"
import { temporaryFolder } from "../helpers/sluice.ts"
import { generateMasterKey } from "../../src/kit/crypto.ts"

describe("first start", () => {
  test("makes dev and prod with a key each, once; a second start makes none", async () => {
    const dataDir = temporaryFolder("first")
    const first = await testApp({ dataDir })
    expect(first.newKeys.map(({ name }) => name)).toEqual(["dev", "prod"])
    expect([first.ctx.environment.is_production, first.prod.environment.is_production]).toEqual([false, true])
    const prod = first.newKeys[1]?.secretKey ?? ""
    await first.close()
    await using second = await testApp({ dataDir })
    expect(second.newKeys).toEqual([])
    expect((await second.request("GET", "/integrations", { key: prod })).status).toBe(200)
  })

  test("makes a key file for its owner only; the directory is the owner's, too", async () => {
    await using t = await testApp()
    expect(statSync(join(t.dataDir, "sluice.key")).mode & 0o777).toBe(0o600)
    expect(statSync(join(t.dataDir, "sluice.db")).mode & 0o777).toBe(0o600)
    expect(statSync(join(t.dataDir, "logs.db")).mode & 0o777).toBe(0o600)
    expect(Buffer.from(readFileSync(join(t.dataDir, "sluice.key"), "utf8"), "base64")).toHaveLength(32)
  })

  test("with a key of the configuration writes no key file", async () => {
    await using t = await testApp({ env: { SLUICE_ENCRYPTION_KEY: generateMasterKey() } })
    expect(await Bun.file(join(t.dataDir, "sluice.key")).exists()).toBe(false)
  })

  test("on data of another key is refused, and nothing is changed", async () => {
    const dataDir = temporaryFolder("other-key")
    await (await testApp({ dataDir })).close()
    const failed = await reasonOf(testApp({ dataDir, env: { SLUICE_ENCRYPTION_KEY: generateMasterKey() } }))
    expect((failed as { code: string }).code).toBe("wrong_encryption_key")
    await using again = await testApp({ dataDir })
    expect((await again.request("GET", "/health")).status).toBe(200)
  })

  test("on a directory that another daemon holds is refused with its pid", async () => {
    await using t = await testApp()
    const failed = (await reasonOf(testApp({ dataDir: t.dataDir }))) as { code: string; message: string }
    expect(failed.code).toBe("data_directory_in_use")
    expect(failed.message).toContain(String(process.pid))
  })
})

describe("an environment", () => {
  test("has a name of its own", async () => {
    await using t = await testApp()
    await createEnvironment(t.app, { name: "staging", isProduction: false })
    expect((await getEnvironmentByName(t.app, "staging")).webhook_signing_key).toStartWith("v1.")
    expect(await reasonOf(createEnvironment(t.app, { name: "staging", isProduction: false }))).toBeInstanceOf(Error)
    expect(await reasonOf(getEnvironmentByName(t.app, "nope"))).toMatchObject({ code: "unknown_environment" })
  })

  test("a configured key works as soon as its environment is there", async () => {
    await using t = await testApp({ env: { NANGO_SECRET_KEY_STAGING: "a-staging-key" } })
    const list = () => t.request("GET", "/integrations", { key: "a-staging-key" })
    expect((await list()).status).toBe(401)
    await createEnvironment(t.app, { name: "staging", isProduction: false })
    expect((await list()).status).toBe(200)
  })
})

describe("variables", () => {
  const names = async (t: Awaited<ReturnType<typeof testApp>>, key?: string) =>
    (await t.request("GET", "/environment-variables", key ? { key } : {})).body

  test("are a bare list, sorted by name, of this environment only", async () => {
    await using t = await testApp()
    expect(await names(t)).toEqual([])
    await saveVariables(t.ctx, [
      { name: "B", value: "2" },
      { name: "A", value: "ä\n1" },
      { name: "EMPTY", value: "" },
    ])
    await saveVariables(t.prod, [{ name: "A", value: "of prod" }])
    expect(await names(t)).toEqual([
      { name: "A", value: "ä\n1" },
      { name: "B", value: "2" },
      { name: "EMPTY", value: "" },
    ])
    expect(await names(t, t.prodKey)).toEqual([{ name: "A", value: "of prod" }])
  })

  test("are replaced as a whole, or not at all", async () => {
    await using t = await testApp()
    await saveVariables(t.ctx, [{ name: "OLD", value: "1" }])
    const twice = [
      { name: "NEW", value: "1" },
      { name: "NEW", value: "2" },
    ]
    expect(await reasonOf(saveVariables(t.ctx, twice))).toBeInstanceOf(Error)
    expect(await listVariables(t.ctx)).toEqual([{ name: "OLD", value: "1" }])
    await saveVariables(t.ctx, [])
    expect(await listVariables(t.ctx)).toEqual([])
  })

  test("cannot be moved to another row of the database", async () => {
    await using t = await testApp()
    await saveVariables(t.ctx, [
      { name: "A", value: "public" },
      { name: "B", value: "secret" },
    ])
    await t.app.store.tx(async (tx) => {
      await tx.db.run(
        "UPDATE environment_variables SET value = (SELECT value FROM environment_variables WHERE name = 'B') WHERE name = 'A'",
      )
    })
    expect(await reasonOf(listVariables(t.ctx))).toMatchObject({ code: "wrong_encryption_key" })
  })
})

describe("scopes", () => {
  const caller = (...scopes: string[]) => ({ kind: "key" as const, keyId: 1, scopes })

  test.each([
    ["environment:*", "records:read", true],
    ["environment:records:*", "records:read", true],
    ["environment:records:read", "records:read", true],
    ["environment:syncs:*", "syncs:variant:create", true],
    ["environment:records:read", "records:write", false],
    ["environment:records", "records:read", false],
    ["environment:rec*", "records:read", false],
    ["environment:*", "account:environments:create", false],
    ["account:*", "account:environments:create", true],
    ["account:*", "records:read", false],
    ["*", "records:read", false],
    [":*", "records:read", false],
    ["", "records:read", false],
  ])("%p allows %s: %p", (held, wanted, allowed) => {
    expect(holdsScope(caller(held), wanted)).toBe(allowed)
  })
})
