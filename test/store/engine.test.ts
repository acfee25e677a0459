import { Database } from "bun:sqlite"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { getTableColumns, getTableName, is, Table } from "drizzle-orm"
import { eq } from "drizzle-orm"
import { dumpSchema, migrate, migrations } from "../../src/store/migrate.ts"
import { openSqlite, StoreError } from "../../src/store/sqlite.ts"
import { reasonOf } from "../helpers/reason.ts"
import type { Store } from "../../src/store/store.ts"
import { tasks } from "../../src/queue/model.ts"

const root = join(import.meta.dir, "../..")
const modelFiles = [...new Bun.Glob("src/*/model.ts").scanSync(root)]

let directory: string
let store: Store

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sluice-store-"))
  store = await openSqlite({
    directory,
    writer: new URL("../../src/app/writer.ts", import.meta.url),
    onWriterDeath: () => undefined,
  })
})
afterAll(async () => {
  await store.close()
  rmSync(directory, { recursive: true })
})

const probe = (key: string) => store.select<{ value: string }>("SELECT value FROM meta WHERE key = ?", [key])
const put = (key: string) => ({ sql: "INSERT INTO meta (key, value) VALUES (?, 'x')", key })

const row = (id: string, key: string | null = null) => ({
  id,
  kind: "sync" as const,
  key,
  group: "g",
  priority: 1,
  payload: { a: 1 },
  state: "waiting" as const,
  run_at: 1,
  attempt: 0,
  losses: 0,
  created_at: 1,
})

describe("the store", () => {
  test("a transaction that throws leaves nothing, whatever was awaited in between", async () => {
    const failing = store.tx(async (tx) => {
      await tx.db.insert(tasks).values(row("t-rollback"))
      await Bun.sleep(5)
      throw new Error("no")
    })
    expect(String(await reasonOf(failing))).toContain("no")
    expect(await store.read.select().from(tasks).where(eq(tasks.id, "t-rollback"))).toEqual([])
  })

  test("a reader sees what is committed and nothing else", async () => {
    await store.tx(async (tx) => {
      await tx.db.insert(tasks).values(row("t-isolated"))
      expect(await store.read.select().from(tasks).where(eq(tasks.id, "t-isolated"))).toEqual([])
      expect(await tx.db.select().from(tasks).where(eq(tasks.id, "t-isolated"))).toHaveLength(1)
    })
    const [stored] = await store.read.select().from(tasks).where(eq(tasks.id, "t-isolated"))
    expect(stored?.payload).toEqual({ a: 1 })
  })

  test("transactions and steps run one after the other, in the order in which they were asked for", async () => {
    const seen: string[] = []
    const first = store.tx(async () => {
      await Bun.sleep(10)
      seen.push("tx")
    })
    const second = store.step({ name: "store.probe", input: { now: 1 } }).then(() => seen.push("step"))
    const third = store.tx(async () => void seen.push("tx2"))
    await Promise.all([first, second, third])
    expect(seen).toEqual(["tx", "step", "tx2"])
  })

  test("a broken constraint is named", async () => {
    const twice = store.tx(async (tx) => {
      await tx.db.insert(tasks).values(row("t-twice"))
      await tx.db.insert(tasks).values(row("t-twice"))
    })
    const error = await reasonOf(twice)
    expect(error).toBeInstanceOf(StoreError)
    expect((error as StoreError).code).toContain("SQLITE_CONSTRAINT")
  })

  test("a step that is not there, and one that throws, change nothing", async () => {
    expect(String(await reasonOf(store.step({ name: "no.such", input: {} })))).toContain('no step "no.such"')
    expect(String(await reasonOf(store.step({ name: "records.save", input: {} })))).toContain("")
    expect(await probe(put("never").key)).toEqual([])
  })

  test("what is given to `after` runs once the transaction is committed, never when it rolls back", async () => {
    const told: string[] = []
    await store.tx(async (tx) => tx.after(() => void told.push("committed")))
    await store
      .tx(async (tx) => {
        tx.after(() => void told.push("rolled back"))
        throw new Error("no")
      })
      .catch(() => undefined)
    expect(told).toEqual(["committed"])
  })

  test("a live key is taken once, and free again when its task has finished", async () => {
    await store.tx((tx) => tx.db.insert(tasks).values(row("k1", "sync:1")))
    expect(String(await reasonOf(store.tx((tx) => tx.db.insert(tasks).values(row("k2", "sync:1")))))).toContain("")
    await store.tx((tx) => tx.db.update(tasks).set({ state: "finished" }).where(eq(tasks.id, "k1")))
    await store.tx((tx) => tx.db.insert(tasks).values(row("k3", "sync:1")))
  })
})

describe("migrations", () => {
  const fresh = (which: "main" | "logs") => {
    const db = new Database(":memory:")
    migrate(db, which)
    return db
  }

  test("the stored dump is the schema of a fresh database", () => {
    const dump = `-- sluice.db\n${dumpSchema(fresh("main"))}\n-- logs.db\n${dumpSchema(fresh("logs"))}`
    const stored = join(root, "src/store/migrations/schema.sql")
    if (process.env.UPDATE_SCHEMA) void Bun.write(stored, dump)
    expect(existsSync(stored) ? readFileSync(stored, "utf8") : "").toBe(dump)
  })

  test("running them again changes nothing", () => {
    const db = fresh("main")
    const before = dumpSchema(db)
    migrate(db, "main")
    expect(dumpSchema(db)).toBe(before)
  })

  test("a newer database is refused, and so is a migration that was edited", () => {
    const db = fresh("main")
    expect(() => migrate(db, "main", [])).toThrow("knows only 0")
    expect(() =>
      migrate(
        db,
        "main",
        migrations.main.map((sql) => `${sql} -- edited`),
      ),
    ).toThrow("does not match")
  })

  test("a migration that fails leaves the database as it was", () => {
    const db = fresh("main")
    const before = dumpSchema(db)
    expect(() =>
      migrate(db, "main", [...migrations.main, "CREATE TABLE half (id INTEGER) STRICT; CREATE TABLE ;"]),
    ).toThrow()
    expect(dumpSchema(db)).toBe(before)
  })

  test.each(modelFiles)("the columns of %s are those of the schema", async (file) => {
    const module = (await import(join(root, file))) as Record<string, unknown>
    const db = fresh("main")
    for (const table of Object.values(module).filter((value): value is Table => is(value, Table))) {
      const stored = db
        .query<{ name: string; notnull: number }, []>(
          `SELECT name, "notnull" FROM pragma_table_info('${getTableName(table)}')`,
        )
        .all()
      const described = Object.values(getTableColumns(table))
      expect(described.map((column) => column.name).toSorted()).toEqual(stored.map((column) => column.name).toSorted())
      for (const column of described.filter((one) => !one.primary)) {
        expect([column.name, column.notNull]).toEqual([
          column.name,
          stored.find((one) => one.name === column.name)?.notnull === 1,
        ])
      }
    }
  })
})
