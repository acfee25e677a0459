import { expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { connectFake } from "../helpers/setup.ts"
import { deploy, type Sluice, until } from "../helpers/sluice.ts"
import { newReader, type Reader, readOn } from "./feed.ts"
import { seededRandom, startAndKill } from "./kills.ts"
import { model, pageSize, pagingSync, scope } from "./paging-sync.ts"
import { checkpointOf, doubledChanges, integrityOf, leftovers, liveTask, payloadsOf, readStored } from "./stored.ts"
import { command, openWorld, statusOf, type World } from "./world.ts"

const full = process.env.SLUICE_FAULTS === "full"
const wanted = full ? 100 : 10
const seed = Number(process.env.SLUICE_FAULTS_SEED ?? 20_261)
const changes = { update: 300, delete: 200, create: 250 }

type Series = {
  world: World
  random: () => number
  reader: Reader
  kills: number
  /** Kills that hit a run between its first checkpoint and its end. */
  midway: number
  givenUp: boolean
  /** Items of the provider in the order of its pages, as JSON. */
  source: string[]
}

test(`${wanted} kills leave what an undisturbed run leaves`, async () => {
  const undisturbed = await openWorld({ items: 5000 })
  const disturbed = await openWorld({ items: 5000 })
  const series: Series = { ...disturbed, random: seededRandom(seed), reader: newReader(), ...untouched }
  const calm = newReader()
  let current: Sluice | undefined = disturbed.sluice
  for (const sluice of [undisturbed.sluice, current]) await connectFake(sluice)

  for (let round = 0; round === 0 || series.kills < wanted; round++) {
    if (round > 0) for (const { fake } of [undisturbed.world, disturbed.world]) fake.control({ mutate: changes })
    series.source = await readSource(series.world)
    const reference = runCalmly(undisturbed.sluice, calm, round)
    const last = round === 0 ? undefined : (await statusOf(current, "items")).finishedAt
    await begin(current, round)
    current = await runDisturbed(series, current, last)
    await reference
    await readOn(current, series.reader)

    const [status, expected] = await Promise.all([current, undisturbed.sluice].map((one) => statusOf(one, "items")))
    expect(status.recordCount).toEqual(expected.recordCount)
    expect(status.checkpoint).toBeNull()
    expect(series.reader.records).toEqual(calm.records)
    await checkFeed(current, series)
  }
  expect(series.kills).toBe(wanted)
  expect(series.midway).toBeGreaterThan(wanted / 4)
  for (const { fake } of [undisturbed.world, disturbed.world]) await fake.stop()
  for (const sluice of [current, undisturbed.sluice]) expect(await sluice.stop()).toBe(0)
  for (const { dataDir } of [undisturbed.world, disturbed.world]) {
    expect(readStored(dataDir, leftovers)).toEqual({ delete_windows: 0, record_sightings: 0, locks: 0 })
    rmSync(dataDir, { recursive: true })
  }
}, 240_000)

const untouched = { kills: 0, midway: 0, givenUp: false, source: [] as string[] }

async function begin(sluice: Sluice, round: number): Promise<void> {
  if (round === 0) await deploy(sluice, pagingSync)
  else await command(sluice, "trigger", "items")
}

/** The reference: the same source, the same sync, nobody interferes. */
async function runCalmly(sluice: Sluice, reader: Reader, round: number): Promise<void> {
  const last = round === 0 ? undefined : (await statusOf(sluice, "items")).finishedAt
  await begin(sluice, round)
  await until(() => endedWell(sluice, last), "the undisturbed sync to end")
  await readOn(sluice, reader)
}

async function endedWell(sluice: Sluice, last: string | undefined): Promise<boolean> {
  const status = await statusOf(sluice, "items")
  return status.latestExecutionStatus === "SUCCESS" && status.finishedAt !== last
}

/** Kills and restarts until the sync has ended well; answers the daemon in which it did. */
async function runDisturbed(series: Series, first: Sluice, last: string | undefined): Promise<Sluice> {
  let sluice = first
  while (!(await endsBeforeKill(series, sluice, last))) {
    series.kills++
    inspect(series)
    while (series.kills < wanted && series.random() < 0.15) {
      await startAndKill({ ...series.world, ms: series.random() * 150 })
      series.kills++
      inspect(series)
    }
    sluice = await series.world.start()
    if (series.givenUp) await command(sluice, "trigger", "items")
  }
  return sluice
}

/** An app reads along while the sync works. False when the daemon was killed before the sync ended. */
async function endsBeforeKill(series: Series, sluice: Sluice, last: string | undefined): Promise<boolean> {
  let killed = false
  const moment = series.random() * 550
  const timer = series.kills < wanted ? setTimeout(() => void kill(), moment) : undefined
  const kill = () => {
    killed = true
    return sluice.kill()
  }
  const look = async () => {
    await readOn(sluice, series.reader)
    return endedWell(sluice, last)
  }
  try {
    await until(look, `the sync to end after kill ${series.kills} (seed ${seed})`)
  } catch (error) {
    // A request that the kill cut off; what the reader found wrong says so by its own message.
    if (!killed || !isCutOff(error)) throw error
  }
  clearTimeout(timer)
  if (killed) await sluice.exited
  return !killed
}

const isCutOff = (error: unknown) => /^(ECONN|Connection)/.test(String((error as { code?: string }).code))

/** What the dead daemon left: a sound file, no doubled change, and no checkpoint ahead of its records. */
function inspect(series: Series): void {
  expect(readStored(series.world.dataDir, integrityOf, "logs.db")).toBe("ok")
  readStored(series.world.dataDir, (db) => {
    expect(integrityOf(db)).toBe("ok")
    expect(doubledChanges(db)).toBe(0)
    const task = liveTask(db)
    series.givenUp = task?.state === "started" && task.losses >= 4
    const page = Number(checkpointOf(db, scope)?.page ?? 0)
    if (page > 0) series.midway++
    const stored = payloadsOf(db, model)
    const missing = series.source.slice(0, page * pageSize).filter((item) => stored.get(JSON.parse(item).id) !== item)
    expect(missing).toEqual([])
  })
}

async function readSource({ fake }: World): Promise<string[]> {
  const response = await fetch(`${fake.url}/offset/items?limit=10000`)
  const { data, total } = (await response.json()) as { data: unknown[]; total: number }
  expect(data).toHaveLength(total)
  return data.map((item) => JSON.stringify(item))
}

/** Read from its beginning, the feed has each record once; the live ones are exactly the provider's. */
async function checkFeed(sluice: Sluice, series: Series): Promise<void> {
  const whole = newReader()
  await readOn(sluice, whole)
  expect(whole.changes.size).toBe(whole.records.size)
  expect(whole.records).toEqual(series.reader.records)
  const live = [...whole.records.values()].filter((record) => !record.deleted).map((record) => record.payload)
  expect(live.toSorted()).toEqual(series.source.toSorted())
}
