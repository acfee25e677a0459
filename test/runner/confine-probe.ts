import { readFileSync, writeFileSync } from "node:fs"
import { confine } from "../../src/runner/confine.ts"

// Confines itself, tries what a function that got out would try, and prints what came of it.
const measures = confine()

async function attempt(act: () => unknown): Promise<string> {
  try {
    await act()
    return "done"
  } catch (error) {
    return (error as { code?: string }).code ?? "refused"
  }
}

const tried = {
  readFile: await attempt(() => readFileSync("/etc/passwd")),
  readEnvironment: await attempt(() => readFileSync("/proc/self/environ")),
  writeFile: await attempt(() => writeFileSync(`${process.argv[2]}/written`, "x")),
  spawn: await attempt(() => Bun.spawnSync(["/bin/true"])),
  fetch: await attempt(() => fetch(`http://127.0.0.1:${process.argv[3]}/`)),
  signal: await attempt(() => process.kill(process.ppid, 0)),
}
console.log(JSON.stringify({ measures, tried }))
