import { rmSync } from "node:fs"
import { pino } from "pino"
import { type OpenApp, openApp } from "../../src/app/app.ts"
import { loadConfig } from "../../src/app/config.ts"
import type { App, EnvironmentCtx } from "../../src/app/context.ts"
import type { SettingKey } from "../../src/app/settings.ts"
import { getEnvironmentByName } from "../../src/environments/environments.ts"
import { createApi } from "../../src/http/api.ts"
import { type Answer, temporaryFolder } from "./sluice.ts"

/** The time that the process believes in. Nothing but `advance` and `set` moves it. */
export type Clock = { now: () => Date; advance: (ms: number) => void; set: (to: string | number) => void }

export function makeClock(start: string | number): Clock {
  let at = new Date(start).getTime()
  return {
    now: () => new Date(at),
    advance: (ms) => void (at += ms),
    set: (to) => void (at = new Date(to).getTime()),
  }
}

export type RequestOptions = {
  /** Sent as JSON; a text is sent as it is. */
  body?: unknown
  headers?: Record<string, string>
  /** null sends no Authorization header; the default is the key of dev. */
  key?: string | null
}

export type TestApp = {
  app: App
  /** Works inside the environment dev. */
  ctx: EnvironmentCtx
  /** The same, inside the environment prod. */
  prod: EnvironmentCtx
  clock: Clock
  dataDir: string
  key: string
  prodKey: string
  /** What first start made and shows once. */
  newKeys: OpenApp["newKeys"]
  /** The lines of the process log. */
  logged: Record<string, any>[]
  /** One request through the door, without a socket. */
  request: (method: string, path: string, options?: RequestOptions) => Promise<Answer>
  /** The same with a request of one's own making. */
  send: (request: Request, peer?: () => string | undefined) => Promise<Response>
  /** Starts the queue. */
  start: () => Promise<void>
  close: () => Promise<void>
  [Symbol.asyncDispose]: () => Promise<void>
}

export type TestOptions = {
  now?: string | number
  config?: Partial<Record<SettingKey, unknown>>
  env?: Record<string, string>
  /** An existing data directory; it is kept. */
  dataDir?: string
}

/**
 * A real App on a directory of its own, with a clock that only the test moves. No runner process is kept warm, and the
 * queue stands still until `start`.
 */
export async function testApp(options: TestOptions = {}): Promise<TestApp> {
  const clock = makeClock(options.now ?? "2026-03-01T12:00:00.000Z")
  const dataDir = options.dataDir ?? temporaryFolder("app")
  const key = crypto.randomUUID()
  const prodKey = crypto.randomUUID()
  const env = { SLUICE_SECRET_KEY: key, NANGO_SECRET_KEY_PROD: prodKey, ...options.env }
  const logged: Record<string, any>[] = []
  const log = pino({ level: "debug" }, { write: (line) => void logged.push(JSON.parse(line)) })
  const deaths: Error[] = []
  const open = await openApp({
    config: loadConfig({ flags: { runnerWarm: 0, port: 3003, ...options.config, dataDir }, env }),
    log,
    now: clock.now,
    onFatal: (error) => deaths.push(error),
    address: () => undefined,
  })
  const { app } = open
  const api = createApi(app)
  let closing: Promise<void> | undefined
  const close = () =>
    (closing ??= (async () => {
      await open.close()
      if (!options.dataDir) rmSync(dataDir, { recursive: true, force: true })
      if (deaths[0]) throw deaths[0]
    })())
  return {
    app,
    ctx: { ...app, environment: await getEnvironmentByName(app, "dev") },
    prod: { ...app, environment: await getEnvironmentByName(app, "prod") },
    clock,
    dataDir,
    key,
    prodKey,
    newKeys: open.newKeys,
    logged,
    request: async (method, path, request = {}) => readAnswer(await api(makeRequest(method, path, key, request))),
    send: api,
    start: open.start,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function makeRequest(method: string, path: string, devKey: string, options: RequestOptions): Request {
  const { body, headers, key = devKey } = options
  return new Request(`http://localhost:3003${path}`, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
  })
}

async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    // Not every answer is JSON; `text` has it as it came.
  }
  return { status: response.status, body, headers: response.headers, text }
}
