import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ensureBuilt, executable, temporaryFolder } from "../test/helpers/sluice.ts"
import { foreignCatalogue } from "../test/providers/foreign.ts"
import { memoryOf } from "./processes.ts"
import { type Line, quantile } from "./report.ts"
import { timeStart } from "./start.ts"

const rounds = 8
const settleMs = 5_000

type Kind = {
  what: string
  program: string
  env: Record<string, string>
  fresh: boolean
  times: number[]
  memoryMb: number
}

/** What a catalogue costs at the start, in time and memory, over a start without any provider. */
export async function measureCatalogue(): Promise<Line[]> {
  ensureBuilt()
  const folder = temporaryFolder("catalogue")
  const foreign = { SLUICE_PROVIDERS: join(folder, "many.yaml") }
  writeFileSync(foreign.SLUICE_PROVIDERS, foreignCatalogue())
  const kind = (what: string, program: string, env = {}, fresh = false): Kind => ({
    what,
    program,
    env,
    fresh,
    times: [],
    memoryMb: 0,
  })
  const none = kind("start, no provider", buildEmpty(folder))
  const kinds = [
    none,
    kind("start, our own", executable),
    kind("start, 981 more, first time", executable, foreign, true),
    kind("start, 981 more, again", executable, foreign),
  ]
  // Making the database is not what is measured.
  for (const each of kinds) await timeStart(dataDirOf(folder, each), each)
  for (let round = 0; round < rounds; round++) {
    for (const each of kinds) {
      const dataDir = dataDirOf(folder, each)
      if (each.fresh) rmSync(join(dataDir, "cache"), { recursive: true, force: true })
      each.times.push(await timeStart(dataDir, each))
    }
  }
  for (const each of kinds) await timeStart(dataDirOf(folder, each), { ...each, look: (pid) => readMemory(each, pid) })
  rmSync(folder, { recursive: true })
  const aims = [undefined, 10, 700, 40]
  return kinds.map((each, index) => lineOf(each, none, aims[index]))
}

const dataDirOf = (folder: string, { what }: Kind) => join(folder, what.replaceAll(/\W+/g, "-"))

async function readMemory(kind: Kind, pid: number): Promise<void> {
  await Bun.sleep(settleMs)
  kind.memoryMb = memoryOf(pid).anonymousMb
}

function lineOf({ what, times, memoryMb }: Kind, none: Kind, most: number | undefined): Line {
  const median = quantile(times, 0.5)
  const memory = `${memoryMb.toFixed(1)} MB of its own`
  if (most === undefined)
    return { what, value: median, unit: "ms", detail: `best ${Math.min(...times).toFixed(0)}; ${memory}` }
  const more = `${(memoryMb - none.memoryMb).toFixed(1)} MB more`
  const detail = `${median.toFixed(0)} ms, best ${Math.min(...times).toFixed(0)}; ${memory}, ${more}`
  return { what, value: median - quantile(none.times, 0.5), unit: "ms more", detail, aim: { most } }
}

/** The executable with an empty catalogue. */
function buildEmpty(folder: string): string {
  const out = join(folder, "empty")
  const providers = join(folder, "none")
  mkdirSync(providers)
  const build = Bun.spawnSync([process.execPath, join(import.meta.dir, "../.ci/build.ts")], {
    cwd: join(import.meta.dir, ".."),
    env: { ...process.env, SLUICE_BUILD_OUT: out, SLUICE_BUILD_PROVIDERS: providers },
    stdio: ["ignore", "pipe", "pipe"],
  })
  if (build.exitCode !== 0) throw new Error(build.stderr.toString())
  return out
}
