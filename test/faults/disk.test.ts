import { expect, test } from "bun:test"
import { mkdirSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { connectFake } from "../helpers/setup.ts"
import { deploy, temporaryFolder, until } from "../helpers/sluice.ts"
import { newReader, readOn } from "./feed.ts"
import { model, pageSize, pagingSync, scope } from "./paging-sync.ts"
import { checkpointOf, integrityOf, payloadsOf, readStored } from "./stored.ts"
import { command, openWorld, statusOf } from "./world.ts"

const megabyte = 1024 * 1024

/** A disk of 64 MB; undefined where this user may not mount one. */
function mountDisk() {
  const folder = temporaryFolder("disk")
  const run = (...command: string[]) => Bun.spawnSync(command, { stdio: ["ignore", "ignore", "ignore"] }).success
  if (!run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder)) {
    rmdirSync(folder)
    return undefined
  }
  return {
    folder,
    [Symbol.dispose]() {
      run("umount", "-l", folder)
      rmdirSync(folder)
    },
  }
}

const canMount = process.platform === "linux" && process.getuid?.() === 0 && probe()

function probe(): boolean {
  using disk = mountDisk()
  return disk !== undefined
}

// Only root may mount the small disk that this needs.
test.skipIf(!canMount)(
  "a full disk fails the run, keeps what is stored, and is over when there is room",
  async () => {
    using disk = mountDisk()
    if (!disk) throw new Error("The disk could not be mounted a second time")
    const dataDir = join(disk.folder, "data")
    const ballast = join(disk.folder, "ballast")
    mkdirSync(dataDir)
    const { world, sluice } = await openWorld({ items: 3000, itemBytes: 4000, dataDir })
    await connectFake(sluice)
    const { bavail, bsize } = statfsSync(disk.folder)
    writeFileSync(ballast, new Uint8Array(bavail * bsize - 10 * megabyte).fill(1))

    await deploy(sluice, pagingSync)
    const ready = await until(async () => {
      const answer = await sluice.call("GET", "/ready")
      return answer.status === 503 && answer
    }, "the disk to be full")
    expect(ready.body.reasons).toEqual(["the database cannot be written: database or disk is full"])
    expect((await sluice.call("GET", "/health")).status).toBe(200)
    const page = Number((await statusOf(sluice, "items")).checkpoint.page)
    expect(page).toBeGreaterThan(0)
    const reader = newReader()
    await readOn(sluice, reader)
    expect(reader.records.size).toBeGreaterThanOrEqual(page * pageSize)
    expect(reader.records.size).toBeLessThan(3000)

    // The writer's housekeeping comes after five quiet seconds; it must survive a full disk as well.
    if (process.env.SLUICE_FAULTS === "full") await Bun.sleep(6_000)
    expect((await sluice.call("GET", "/health")).status).toBe(200)

    rmSync(ballast)
    await until(async () => (await sluice.call("GET", "/ready")).status === 200, "the daemon to be ready again")
    // The failed run could perhaps not be settled: then its lease has to run out, or a new daemon takes it over at once.
    expect(await sluice.stop()).toBe(0)
    const next = await world.start()
    await command(next, "trigger", "items")
    await until(async () => (await statusOf(next, "items")).latestExecutionStatus === "SUCCESS", "the next run to end")
    await readOn(next, reader)
    expect(reader.records.size).toBe(3000)
    expect(await next.stop()).toBe(0)
    await world.fake.stop()
    readStored(dataDir, (db) => {
      expect(integrityOf(db)).toBe("ok")
      expect(checkpointOf(db, scope)).toBeUndefined()
      expect(payloadsOf(db, model).size).toBe(3000)
    })
  },
  60_000,
)
