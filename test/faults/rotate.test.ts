import { Database } from "bun:sqlite"
import { afterAll, expect, test } from "bun:test"
import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { createKeyRing, parseMasterKey, seal } from "../../src/kit/crypto.ts"
import { runCli, type Sluice, startSluice, temporaryFolder, until } from "../helpers/sluice.ts"
import { filesWith, keysOf, sealedValues } from "../keys/stage.ts"
import { seededRandom } from "./kills.ts"

const rows = 4_000
const kills = 4
const loads = 3
const seed = Number(process.env.SLUICE_SEED ?? Math.floor(Math.random() * 2 ** 32))
const dataDir = temporaryFolder("rotate")
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

const name = (index: number) => `c${index}`
const pathOf = (id: string) => `/connections/${id}?provider_config_key=mine`
const keyFile = () => parseMasterKey(readFileSync(join(dataDir, "sluice.key"), "utf8"))

const save = (sluice: Sluice, id: string, apiKey: string) =>
  sluice.call("POST", "/connections", {
    body: { provider_config_key: "mine", connection_id: id, credentials: { type: "API_KEY", apiKey } },
  })

/** Copies the first connection many times, each with a secret of its own, as if so many had been made by the API. */
function fill(): void {
  const ring = createKeyRing(keyFile())
  const db = new Database(join(dataDir, "sluice.db"))
  const columns = db
    .query<{ name: string }, []>("SELECT name FROM pragma_table_info('connections')")
    .all()
    .map((column) => `"${column.name}"`)
  const copied = columns.map(
    (column) => ({ '"id"': "?1", '"connection_id"': "?2", '"credentials"': "?3" })[column] ?? column,
  )
  const insert = db.prepare(
    `INSERT INTO connections (${columns.join(", ")}) SELECT ${copied.join(", ")} FROM connections WHERE id = 1`,
  )
  db.transaction(() => {
    for (let id = 2; id <= rows; id++) {
      const place = { table: "connections", column: "credentials", row: id }
      insert.run(id, name(id), seal(ring, place, JSON.stringify({ type: "API_KEY", apiKey: `secret-${id}` })))
    }
  })()
  db.close()
}

/** What each connection may hold: the last secret that was acknowledged, and one whose answer never came. */
type Truth = Map<string, Set<string>>

type Load = { truth: Truth; random: () => number; mine: number; killed: AbortSignal }

/** Reads and writes connections that no other load touches until the daemon is gone; answers how many answers came. */
async function load(sluice: Sluice, { truth, random, mine, killed }: Load): Promise<number> {
  let answered = 0
  for (;;) {
    const id = name(1 + mine + loads * Math.floor(random() * Math.floor(rows / loads)))
    const known = truth.get(id) ?? new Set()
    const next = `secret-${id}-${crypto.randomUUID()}`
    const isWrite = random() < 0.4
    // Before it is asked: from now on either may be there.
    if (isWrite) truth.set(id, new Set([...known, next]))
    const answer = await (isWrite ? save(sluice, id, next) : sluice.call("GET", pathOf(id))).catch((error: unknown) => {
      if (!killed.aborted) throw error
    })
    if (!answer) return answered
    expect([answer.status, answer.text]).toEqual([isWrite ? 201 : 200, answer.text])
    if (isWrite) truth.set(id, new Set([next]))
    else expect([...(truth.get(id) ?? [])]).toContain(answer.body.credentials.apiKey)
    answered++
  }
}

/** Waits until so many values have the new key, or all. */
const changed = (sluice: Sluice, count: number) =>
  until(async () => {
    const { data } = (await sluice.call("GET", "/sluice/keys/rotation")).body
    return data.changed >= count || data.state !== "running"
  }, `${count} values to be sealed again`)

test(`rotation under load, killed ${kills} times, loses nothing (seed ${seed})`, async () => {
  const random = seededRandom(seed)
  const key = crypto.randomUUID()
  const first = await startSluice({ dataDir, key })
  await first.call("POST", "/integrations", { body: { provider: "private-api-bearer", unique_key: "mine" } })
  await save(first, name(1), "secret-1")
  await first.stop()
  fill()
  const old = keyFile()
  const truth: Truth = new Map(Array.from({ length: rows }, (_, i) => [name(i + 1), new Set([`secret-${i + 1}`])]))

  let mixed = 0
  let answered = 0
  for (let round = 0; round < kills; round++) {
    const sluice = await startSluice({ dataDir, key })
    const killed = new AbortController()
    const running = Array.from({ length: loads }, (_, mine) =>
      load(sluice, { truth, random, mine, killed: killed.signal }),
    )
    const begun = await sluice.call("POST", "/sluice/keys/rotate", { body: {} })
    expect([begun.status, begun.body.data.state]).toEqual([202, "running"])
    await changed(sluice, 1 + Math.floor(random() * (rows / kills)))
    killed.abort()
    await sluice.kill()
    for (const one of await Promise.all(running)) answered += one
    if (keysOf(dataDir).length === 2) mixed++
  }
  expect(mixed).toBeGreaterThan(0)
  expect(answered).toBeGreaterThan(0)

  await using last = await startSluice({ dataDir, key })
  const env = { SLUICE_HOST: last.url, SLUICE_SECRET_KEY: key }
  const { code, stdout, stderr } = await runCli(["keys", "rotate", "--json"], env)
  expect([code, stderr]).toEqual([0, ""])
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).data)
  expect(lines.at(-1)).toMatchObject({ state: "done", key: keyFile().id, error: null })
  const status = JSON.parse((await runCli(["keys", "status", "--json"], env)).stdout).data
  const total = [...sealedValues(dataDir).values()].reduce((sum, values) => sum + values.size, 0)
  expect(status.keys).toEqual([
    { id: keyFile().id, state: "sealing", values: total, file: "sluice.key" },
    { id: old.id, state: "retired", values: 0, file: `sluice.key.${old.id}.old` },
  ])
  await last.stop()

  // The old key is needed by nothing: neither a value nor a start.
  expect(filesWith(dataDir, old.id, { vacuum: true })).toEqual([])
  rmSync(join(dataDir, `sluice.key.${old.id}.old`))
  await using after = await startSluice({ dataDir, key })
  for (const [id, secrets] of truth) {
    const { status, body } = await after.call("GET", pathOf(id))
    expect([status, id, secrets.has(body.credentials?.apiKey)]).toEqual([200, id, true])
  }
}, 120_000)
