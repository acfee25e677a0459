import { expect, test } from "bun:test"
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../helpers/sluice.ts"

const node = Bun.which("node")
const root = join(import.meta.dir, "../..")

/** A checkout whose dependencies are installed, with Bun only as a platform package, as npm leaves it without scripts. */
function makeCheckout(scripts: Record<string, string>) {
  const folder = temporaryFolder("with-bun")
  const put = (path: string, text: string) => {
    mkdirSync(join(folder, path, ".."), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const manifest = JSON.stringify({ devDependencies: { bun: Bun.version } })
  put("package.json", manifest)
  put("bun.lock", "{}")
  put("node_modules/.installed", new Bun.CryptoHasher("sha256").update(`${manifest}{}`).digest("hex"))
  for (const [path, text] of Object.entries(scripts)) put(path, text)
  copyFileSync(join(root, ".ci/with-bun.mjs"), join(folder, ".ci/with-bun.mjs"))
  const broken = join(folder, "node_modules/@oven/bun-another-platform/bin")
  mkdirSync(broken, { recursive: true })
  writeFileSync(join(broken, "bun"), "not a program", { mode: 0o755 })
  const bin = join(folder, "node_modules/@oven/bun-this-platform/bin")
  mkdirSync(bin, { recursive: true })
  symlinkSync(process.execPath, join(bin, "bun"))
  return { folder, bin }
}

function start(folder: string, args: string[], env: Record<string, string> = {}) {
  const command = [node ?? "node", join(folder, ".ci/with-bun.mjs"), ...args]
  return Bun.spawn(command, { env: { PATH: "/nowhere", ...env }, stdio: ["ignore", "pipe", "pipe"] })
}

const withNode = test.skipIf(node === null)
const needs = node === null ? " (needs Node 18: https://nodejs.org)" : ""

withNode(`the script runs with the right Bun, its arguments, its folder and its exit code${needs}`, async () => {
  const script = `
    const bun = Bun.spawnSync(["bun", "--version"]).stdout.toString().trim()
    console.log(JSON.stringify([Bun.version, bun, process.cwd(), process.argv.slice(2)]))
    process.exit(7)`
  const { folder } = makeCheckout({ ".ci/say.ts": script })
  const proc = start(folder, [".ci/say.ts", "a b", "--keep"])
  expect(JSON.parse(await proc.stdout.text())).toEqual([Bun.version, Bun.version, folder, ["a b", "--keep"]])
  expect(await proc.exited).toBe(7)
  expect(await proc.stderr.text()).toBe("")
})

withNode(`a Bun of another version on the PATH is passed over${needs}`, async () => {
  const { folder } = makeCheckout({ ".ci/say.ts": "console.log(Bun.version)", "old/bun": "#!/bin/sh\necho 1.0.0\n" })
  Bun.spawnSync(["chmod", "+x", join(folder, "old/bun")])
  const proc = start(folder, [".ci/say.ts"], { PATH: `${join(folder, "old")}:/bin:/usr/bin` })
  expect((await proc.stdout.text()).trim()).toBe(Bun.version)
})

withNode(`signals reach the script, and its answer comes back${needs}`, async () => {
  const script = `
    process.on("SIGTERM", () => { require("node:fs").writeFileSync("told", ""); process.exit(3) })
    setInterval(() => {}, 1000)
    console.log("ready")`
  const { folder } = makeCheckout({ ".ci/wait.ts": script })
  const proc = start(folder, [".ci/wait.ts"])
  await proc.stdout.getReader().read()
  proc.kill("SIGTERM")
  expect(await proc.exited).toBe(3)
  expect(existsSync(join(folder, "told"))).toBe(true)
})

withNode(`the scripts of package.json that a newcomer runs go through it${needs}`, () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>
  }
  for (const name of ["demo", "test"]) {
    expect(scripts[name]).toStartWith("node .ci/with-bun.mjs .ci/")
    expect(existsSync(join(root, scripts[name]?.split(" ").at(-1) ?? ""))).toBe(true)
  }
})
