import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Config } from "../app/config.ts"
import { selfCommand } from "../kit/entry.ts"
import { AppError, messageOf } from "../kit/errors.ts"
import { version } from "../kit/version.ts"
import { FromChildShape } from "../runner/messages.ts"
import { createClient } from "./client.ts"
import { type Cli, findKey, readUrl } from "./context.ts"

/** `note` is worth knowing, `bad` keeps something from working. */
export type Finding = { state: "ok" | "note" | "bad"; what: string; detail: string }

const ok = (what: string, detail: string): Finding => ({ state: "ok", what, detail })
const note = (what: string, detail: string): Finding => ({ state: "note", what, detail })
const bad = (what: string, detail: string): Finding => ({ state: "bad", what, detail })

export function checkConfiguration(cli: Cli): Finding[] {
  const file = cli.env.SLUICE_CONFIG ?? "sluice.yaml"
  return [
    ok("version", `sluice ${version}, Bun ${Bun.version}, ${process.platform} ${process.arch}`),
    ok("configuration", existsSync(file) ? `valid, with ${resolve(file)}` : "valid, no sluice.yaml here"),
  ]
}

export function checkDataDirectory(config: Config): Finding[] {
  const directory = resolve(config.dataDir)
  if (!existsSync(directory)) return [note("data directory", `${directory} is made at the first start`)]
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    // The question is whether it can be used; this is the answer.
    return [bad("data directory", `${directory} cannot be used: ${messageOf(error)}`)]
  }
  const sizes = ["sluice.db", "logs.db"]
    .filter((name) => existsSync(join(directory, name)))
    .map((name) => {
      return `${name} ${(statSync(join(directory, name)).size / 1e6).toFixed(1)} MB`
    })
  return [
    ok("data directory", [directory, ...sizes].join(", ")),
    ...checkDirectoryMode(directory),
    checkKey(config, directory),
    checkUse(directory),
  ]
}

function checkDirectoryMode(directory: string): Finding[] {
  const mode = statSync(directory).mode & 0o777
  if ((mode & 0o077) === 0) return []
  return [note("data directory mode", `${mode.toString(8)}: other users may look into it; chmod 700 ${directory}`)]
}

function checkKey(config: Config, directory: string): Finding {
  if (config.encryptionKey !== undefined) return ok("encryption key", "given by the configuration")
  const file = join(directory, "sluice.key")
  if (!existsSync(file)) {
    const isFresh = !existsSync(join(directory, "sluice.db"))
    if (isFresh) return note("encryption key", "a key file is made at the first start")
    return bad("encryption key", `${file} is gone: restore it, or set SLUICE_ENCRYPTION_KEY`)
  }
  const mode = statSync(file).mode & 0o777
  if ((mode & 0o077) !== 0) return bad("encryption key", `${file} can be read by other users; chmod 600 ${file}`)
  return ok("encryption key", `${file}, mode ${mode.toString(8)}; keep a copy apart from the data`)
}

function checkUse(directory: string): Finding {
  const file = join(directory, "sluice.pid")
  const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0
  return pid > 0 && isAlive(pid) ? ok("in use", `by the daemon with pid ${pid}`) : ok("in use", "by no daemon")
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

export async function checkPort(config: Config): Promise<Finding> {
  const { host, port } = config
  try {
    const server = Bun.serve({ hostname: host, port, fetch: () => new Response(null, { status: 503 }) })
    await server.stop(true)
    return ok("port", `${port} on ${host} is free`)
  } catch (error) {
    // A port in use may well be our own daemon; the last lines of the report tell.
    return note("port", `${port} on ${host} cannot be taken: ${messageOf(error)}`)
  }
}

const helloMs = 10_000

/** Starts one runner process and asks what it could lock away from itself. */
export async function checkConfinement(): Promise<Finding[]> {
  const hello = Promise.withResolvers<Finding[]>()
  const runner = Bun.spawn(selfCommand("__runner"), {
    cwd: "/",
    env: { BUN_OPTIONS: "--disallow-code-generation-from-strings" },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore"],
    ipc(message) {
      const parsed = FromChildShape.safeParse(message)
      if (!parsed.success || parsed.data.t !== "hello") return
      hello.resolve(
        parsed.data.measures.map(({ name, on, detail }) =>
          on ? ok(`runner: ${name}`, "on") : note(`runner: ${name}`, `off${detail ? `: ${detail}` : ""}`),
        ),
      )
    },
    onExit: () => hello.resolve([bad("runner", "a runner process ended before it was ready: no function can run")]),
  })
  const late = setTimeout(() => hello.resolve([bad("runner", "a runner process does not answer")]), helloMs)
  const findings = await hello.promise
  clearTimeout(late)
  runner.kill("SIGKILL")
  await runner.exited
  return findings
}

export async function checkDaemon(cli: Cli): Promise<Finding[]> {
  const url = readUrl(cli)
  const secretKey = findKey(cli)
  const client = createClient({ url, secretKey, signal: cli.signal() })
  try {
    const ready = await client.call<{ result: string; reasons?: string[] }>("GET", "/ready", { accept: 503 })
    if (ready.body.result !== "ok") return [bad("daemon", `${url}: ${ready.body.reasons?.join("; ") ?? "not ready"}`)]
    if (secretKey === undefined) return [ok("daemon", `ready at ${url}`), note("secret key", "none given")]
    await client.call("GET", "/environment-variables")
    return [ok("daemon", `ready at ${url}`), ok("secret key", "accepted")]
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "interrupted") throw error
    if (error.code === "daemon_unreachable") return [note("daemon", `none answers at ${url}`)]
    if (error.status === 401) return [ok("daemon", `ready at ${url}`), bad("secret key", error.message)]
    return [bad("daemon", error.message)]
  }
}
