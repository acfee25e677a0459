import type { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { startSluice, temporaryFolder } from "../helpers/sluice.ts"
import { seededRandom, startAndKill } from "./kills.ts"
import { integrityOf, readStored } from "./stored.ts"

const kills = process.env.SLUICE_FAULTS === "full" ? 60 : 8

test(`a first start that is killed ${kills} times leaves nothing that the next one stumbles over`, async () => {
  const random = seededRandom(11)
  const key = crypto.randomUUID()
  for (let kill = 0; kill < kills; kill++) {
    const dataDir = temporaryFolder("first")
    await startAndKill({ dataDir, env: { SLUICE_SECRET_KEY: key }, ms: random() * 160 })
    const sluice = await startSluice({ dataDir, key })
    const made = await sluice.call("POST", "/integrations", {
      body: { provider: "private-api-bearer", unique_key: "own" },
    })
    expect(made.status).toBe(200)
    expect(await sluice.stop()).toBe(0)
    expect(readStored(dataDir, integrityOf)).toBe("ok")
    expect(readFileSync(join(dataDir, "sluice.key"), "utf8")).toMatch(/^[A-Za-z0-9+/]{43}=\n$/)
    rmSync(dataDir, { recursive: true })
  }
}, 120_000)

test("a database file that is still empty becomes what a new one is", async () => {
  const dataDir = temporaryFolder("empty")
  for (const name of ["sluice.db", "logs.db"]) writeFileSync(join(dataDir, name), "")
  const sluice = await startSluice({
    dataDir,
    env: { SLUICE_ENCRYPTION_KEY: Buffer.alloc(32, "key").toString("base64") },
  })
  expect(await sluice.stop()).toBe(0)
  for (const name of ["sluice.db", "logs.db"]) expect(readStored(dataDir, pages, name)).toEqual([8192, 2])
  rmSync(dataDir, { recursive: true })
})

/** Page size, and the kind of vacuum (2: incremental): both can only be chosen before the first table. */
function pages(db: Database): unknown[] {
  return ["page_size", "auto_vacuum"].map((name) => db.query(`PRAGMA ${name}`).values()[0]?.[0])
}
