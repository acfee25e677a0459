#!/usr/bin/env node
// Runs a script of this repository with Bun, on a machine that has Node and npm only:
// `node .ci/with-bun.mjs <script> [arguments]`. Plain Node 18 without dependencies.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const modules = join(root, "node_modules")
const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.bun
/** Where npm puts Bun while there is no Bun yet that could install the rest. */
const bootstrap = join(modules, `.bun-${version}`)

const [script, ...args] = process.argv.slice(2)
if (Number(process.versions.node.split(".")[0]) < 18) fail(`Node 18 or newer is needed; this is ${process.version}.`)
if (script === undefined) fail("Usage: node .ci/with-bun.mjs <script> [arguments]")

const bun = findBun() ?? installBun()
installDependencies(bun)
await run(dropBootstrap(bun), [join(root, script), ...args])

function findBun() {
  return ["bun", ...binaries(modules), ...binaries(join(bootstrap, "node_modules"))].find(isWanted)
}

/**
 * The executables inside Bun's platform packages. They are taken directly, because what links them to
 * `node_modules/.bin/bun` is an install script, and npm may be told not to run those (npm 11 asks first).
 */
function binaries(folder) {
  const packages = existsSync(join(folder, "@oven")) ? readdirSync(join(folder, "@oven")) : []
  const name = process.platform === "win32" ? "bun.exe" : "bun"
  return [
    ...packages.map((one) => join(folder, "@oven", one, "bin", name)),
    join(folder, "bun", "bin", "bun.exe"),
  ].filter((path) => existsSync(path))
}

/** Other platforms' packages (musl, another processor) do not start, and so are passed over. */
function isWanted(path) {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" })
  return stdout?.trim() === version
}

function installBun() {
  say(`Installing Bun ${version} into node_modules …`)
  // A manifest of its own keeps npm from looking at, and installing, those of this repository.
  mkdirSync(bootstrap, { recursive: true })
  writeFileSync(join(bootstrap, "package.json"), '{ "private": true }\n')
  const [npm, before, shell] = npmCommand()
  const options = ["--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
  const { status, error } = spawnSync(npm, [...before, "install", ...options, `bun@${version}`], {
    cwd: bootstrap,
    env: withoutNpm(process.env),
    stdio: ["ignore", 2, "inherit"],
    shell,
  })
  const found = binaries(join(bootstrap, "node_modules")).find(isWanted)
  if (found !== undefined) return found
  const why =
    error?.message ?? (status === 0 ? `no build of it runs on ${process.platform} ${process.arch}` : "see above")
  return fail(
    `Bun ${version} could not be installed with npm: ${why}.\nInstall it by hand (https://bun.com) and try again.`,
  )
}

/** The npm that runs this script, else the one on the PATH. */
function npmCommand() {
  const path = process.env.npm_execpath ?? ""
  if (/npm-cli\.[cm]?js$/.test(path)) return [process.execPath, [path], false]
  return ["npm", [], process.platform === "win32"]
}

/** `npm run` hands its own options down; a prefix or a workspace of the caller must not redirect the install. */
function withoutNpm(env) {
  const dropped = /^npm_(package_|lifecycle_|config_(local_prefix|prefix|global|workspace|save|dry_run))/i
  return Object.fromEntries(Object.entries(env).filter(([name]) => !dropped.test(name)))
}

/** Once for each state of the lock file. */
function installDependencies(bun) {
  const files = ["package.json", "bun.lock"].map((name) => readFileSync(join(root, name)))
  const state = createHash("sha256").update(Buffer.concat(files)).digest("hex")
  const stamp = join(modules, ".installed")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === state) return
  say("Installing dependencies …")
  const { status } = spawnSync(bun, ["install", "--frozen-lockfile"], { cwd: root, stdio: ["ignore", 2, "inherit"] })
  if (status !== 0) fail("The dependencies could not be installed; see above.")
  mkdirSync(modules, { recursive: true })
  writeFileSync(stamp, state)
}

/** The dependencies bring Bun as well; one copy is enough. */
function dropBootstrap(bun) {
  const installed = bun.startsWith(bootstrap) ? binaries(modules).find(isWanted) : undefined
  if (installed === undefined) return bun
  rmSync(bootstrap, { recursive: true, force: true })
  return installed
}

/** Ends as the script ends: same exit code; signals reach it. */
async function run(bun, command) {
  const path = [...(bun === "bun" ? [] : [dirname(bun)]), process.env.PATH].join(delimiter)
  const child = spawn(bun, command, { cwd: root, stdio: "inherit", env: { ...process.env, PATH: path } })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches every process of the group by itself; passing it on would be a second one.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal)
    })
  }
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("exit", (status, signal) => resolve(status ?? 128 + (constants.signals[signal] ?? 0)))
  })
  process.exit(code)
}

function say(text) {
  process.stderr.write(`${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}
