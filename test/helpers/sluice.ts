import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dir, "../..")
/** The built executable: every test through the door runs against it. */
export const executable = process.env.SLUICE_TEST_BINARY ?? join(root, "dist/sluice")

function newest(folder: string): number {
  return Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true }).map(
      (entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs,
    ),
  )
}

/** Builds the executable when a source is newer than it. */
export function ensureBuilt(): void {
  if (process.env.SLUICE_TEST_BINARY) return
  const fresh =
    existsSync(executable) &&
    statSync(executable).mtimeMs > Math.max(newest(join(root, "src")), newest(join(root, "providers")))
  if (fresh) return
  const build = Bun.spawnSync([process.execPath, join(root, ".ci/build.ts")], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  })
  if (build.exitCode !== 0) throw new Error(`The build failed:\n${build.stdout.toString()}${build.stderr.toString()}`)
}

export function temporaryFolder(name = "test"): string {
  return mkdtempSync(join(tmpdir(), `sluice-${name}-`))
}

export type Answer = { status: number; body: any; headers: Headers; text: string }
export type Sluice = {
  url: string
  port: number
  /** Secret key of the environment dev (given by SLUICE_SECRET_KEY). */
  key: string
  dataDir: string
  pid: number
  /** One request with the secret key; `body` is sent as JSON. */
  call: (
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string>; key?: string | null },
  ) => Promise<Answer>
  /** Everything that the process printed until now. */
  output: () => string
  /** SIGTERM and the exit code. */
  stop: () => Promise<number>
  /** SIGKILL. */
  kill: () => Promise<void>
  exited: Promise<number>
  [Symbol.asyncDispose]: () => Promise<void>
}
export type StartOptions = {
  dataDir?: string
  env?: Record<string, string>
  key?: string
  args?: string[]
  keepData?: boolean
}

/** Starts the daemon in an empty folder with an empty environment and waits until it says that it is ready. */
export async function startSluice(options: StartOptions = {}): Promise<Sluice> {
  ensureBuilt()
  const own = options.dataDir === undefined
  const dataDir = options.dataDir ?? temporaryFolder("data")
  const key = options.key ?? crypto.randomUUID()
  const proc = Bun.spawn([executable, "serve", "--data-dir", dataDir, "--port", "0", ...(options.args ?? [])], {
    cwd: tmpdir(),
    env: { SLUICE_SECRET_KEY: key, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let text = ""
  const ready = Promise.withResolvers<string>()
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true })
      const url = /"url":"([^"]+)".*"sluice is ready"/.exec(text)?.[1]
      if (url) ready.resolve(url)
    }
  }
  const drained = Promise.all([read(proc.stdout), read(proc.stderr)])
  void proc.exited.then(async (code) => {
    await drained
    ready.reject(new Error(`sluice exited with ${code} before it was ready:\n${text}`))
  })
  const url = await ready.promise
  const stop = async () => {
    proc.kill("SIGTERM")
    const code = await proc.exited
    if (own && !options.keepData) rmSync(dataDir, { recursive: true, force: true })
    return code
  }
  return {
    url,
    port: Number(new URL(url).port),
    key,
    dataDir,
    pid: proc.pid,
    call: (method, path, request = {}) => call(url, key, method, path, request),
    output: () => text,
    stop,
    async kill() {
      proc.kill("SIGKILL")
      await proc.exited
    },
    exited: proc.exited,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}

async function call(
  url: string,
  defaultKey: string,
  method: string,
  path: string,
  { body, headers, key = defaultKey }: { body?: unknown; headers?: Record<string, string>; key?: string | null },
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
  })
  const text = await response.text()
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // Not every answer is JSON; `text` has it as it came.
  }
  return { status: response.status, body: parsed, headers: response.headers, text }
}

/** Runs the CLI once. */
export async function runCli(
  args: string[],
  env: Record<string, string> = {},
  cwd = tmpdir(),
): Promise<{ code: number; stdout: string; stderr: string }> {
  ensureBuilt()
  const proc = Bun.spawn([executable, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] })
  const [stdout, stderr, code] = await Promise.all([
    new Response(proc.stdout).text(),
    new Response(proc.stderr).text(),
    proc.exited,
  ])
  return { code, stdout, stderr }
}

/** Deploys sources (path → text) through the daemon's own door. */
export async function deploy(
  sluice: Sluice,
  files: Record<string, string>,
  options: { expectStatus?: number } = {},
): Promise<Answer> {
  const answer = await sluice.call("POST", "/sluice/deploy", { body: { files, mode: "apply" } })
  if (answer.status !== (options.expectStatus ?? 200))
    throw new Error(`deploy answered ${answer.status}: ${answer.text}`)
  return answer
}

/** Polls `look` until it gives something, failing loudly after `limitMs`. */
export async function until<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
  what: string,
  limitMs = 30_000,
): Promise<T> {
  const end = Date.now() + limitMs
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > end) throw new Error(`Waited ${limitMs} ms in vain for ${what}`)
    await Bun.sleep(20)
  }
}
