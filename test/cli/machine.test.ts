import { expect, test } from "bun:test"
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { startSluice, temporaryFolder } from "../helpers/sluice.ts"
import { runWith } from "./commands.ts"

type Finding = { state: "ok" | "note" | "bad"; what: string; detail: string }

async function doctor(args: string[], env: Record<string, string>) {
  const { code, stdout, stderr } = await runWith(["doctor", "--json", ...args], { env })
  const { findings } = JSON.parse(stdout) as { findings: Finding[] }
  const of = (what: string) => findings.find((finding) => finding.what === what)
  return { code, stderr, findings, of }
}

test("doctor: a daemon at work, its key and its data directory", async () => {
  await using sluice = await startSluice()
  const env = { SLUICE_HOST: sluice.url, SLUICE_SECRET_KEY: sluice.key }
  const { code, findings, of } = await doctor(["--data-dir", sluice.dataDir], env)
  expect(code).toBe(0)
  expect(of("daemon")).toMatchObject({ state: "ok", detail: `ready at ${sluice.url}` })
  expect(of("secret key")).toMatchObject({ state: "ok", detail: "accepted" })
  expect(of("in use")?.detail).toBe(`by the daemon with pid ${sluice.pid}`)
  expect(of("encryption key")).toMatchObject({ state: "ok", detail: expect.stringContaining("mode 600") as string })
  expect(findings.filter(({ what }) => what.startsWith("runner: ")).length).toBeGreaterThan(0)
  const wrong = await doctor([], { ...env, SLUICE_SECRET_KEY: crypto.randomUUID() })
  expect({ code: wrong.code, state: wrong.of("secret key")?.state }).toEqual({ code: 1, state: "bad" })
})

test("doctor: nothing is there yet, and nothing is made", async () => {
  const folder = join(temporaryFolder("doctor"), "data")
  const { code, of } = await doctor(["--data-dir", folder], { SLUICE_HOST: "http://127.0.0.1:1", SLUICE_PORT: "0" })
  expect(code).toBe(0)
  expect(of("data directory")).toMatchObject({ state: "note", detail: `${folder} is made at the first start` })
  expect(of("daemon")).toMatchObject({ state: "note", detail: "none answers at http://127.0.0.1:1" })
  expect(of("port")?.state).toBe("ok")
})

test("doctor: a key that others can read, and a key that is gone, are bad", async () => {
  const folder = temporaryFolder("doctor")
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "sluice.db"), "")
  const env = { SLUICE_HOST: "http://127.0.0.1:1", SLUICE_PORT: "0" }
  const gone = await doctor(["--data-dir", folder], env)
  expect({ code: gone.code, state: gone.of("encryption key")?.state }).toEqual({ code: 1, state: "bad" })
  writeFileSync(join(folder, "sluice.key"), "k")
  chmodSync(join(folder, "sluice.key"), 0o644)
  const open = await doctor(["--data-dir", folder], env)
  expect(open.of("encryption key")?.detail).toContain("chmod 600")
})

test("config show: value and origin of each setting, secrets hidden", async () => {
  const folder = temporaryFolder("config")
  writeFileSync(join(folder, "sluice.yaml"), "port: 4001\nlogLevel: warn\n")
  writeFileSync(join(folder, "key"), "a-secret-from-a-file\n")
  const env = {
    SLUICE_PORT: "4002",
    SLUICE_SECRET_KEY_FILE: join(folder, "key"),
    SLUICE_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
  }
  const { code, stdout } = await runWith(["config", "show"], { env, cwd: folder })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^port +4002 +environment +SLUICE_PORT$/m)
  expect(stdout).toMatch(/^logLevel +warn +file +SLUICE_LOG_LEVEL$/m)
  expect(stdout).toMatch(/^host +127\.0\.0\.1 +default/m)
  expect(stdout).toMatch(/^secretKey +\[set\] +environment/m)
  expect(stdout).toMatch(/^encryptionKey +\[set\] +environment/m)
  const json = await runWith(["config", "show", "--json"], { env, cwd: folder })
  expect(stdout + json.stdout).not.toMatch(/a-secret-from-a-file|BwcHBwc/)
})

test("config show: all bad values are named together", async () => {
  const env = { SLUICE_PORT: "many", SLUICE_LOG_LEVEL: "loud" }
  const { code, stdout, stderr } = await runWith(["config", "show"], { env, cwd: temporaryFolder("config") })
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
  expect(stderr).toContain("SLUICE_PORT")
  expect(stderr).toContain("SLUICE_LOG_LEVEL")
})

test("providers: the catalogue with the operator's own entries, without a daemon", async () => {
  const folder = temporaryFolder("catalogue")
  const own =
    "display_name: Our own\ndocs: https://example.com\nauth_mode: NONE\nproxy:\n  base_url: https://example.com\n"
  writeFileSync(join(folder, "our-own.yaml"), own)
  const env = { SLUICE_PROVIDERS: folder }
  const { code, stdout } = await runWith(["providers", "list"], { env })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^our-own +Our own +NONE/m)
  expect(stdout).toMatch(/^github +/m)
  const keys = await runWith(["providers", "list", "--auth-mode", "api_key", "git"], { env })
  expect(keys.stdout.trimEnd().split("\n").slice(1)).toEqual([expect.stringMatching(/^github-pat +/) as string])
  const shown = await runWith(["providers", "show", "our-own", "--json"], { env })
  expect((JSON.parse(shown.stdout) as { data: { display_name: string } }).data.display_name).toBe("Our own")
})

test("what starts every command loads neither the daemon nor its shapes", () => {
  const root = join(import.meta.dir, "../../src")
  const transpiler = new Bun.Transpiler({ loader: "ts" })
  const seen = new Set<string>()
  const packages = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    if (!file.endsWith(".ts")) return
    for (const { kind, path } of transpiler.scanImports(readFileSync(file, "utf8"))) {
      if (kind !== "import-statement") continue
      if (path.startsWith(".")) visit(join(dirname(file), path))
      else packages.add(path)
    }
  }
  visit(join(root, "cli/cli.ts"))
  expect([...packages].toSorted()).toEqual(["commander", "picocolors"])
  const sources = [...seen].filter((file) => file.startsWith(root))
  expect(new Set(sources.map((file) => relative(root, file).split("/")[0]))).toEqual(new Set(["cli", "kit"]))
})
