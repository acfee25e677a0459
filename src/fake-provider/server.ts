import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:http"
import type { Answer, Call } from "./answers.ts"
import { errorAnswer, pause } from "./answers.ts"
import { answerEchoes } from "./echo.ts"
import type { Fault } from "./faults.ts"
import { takeFault } from "./faults.ts"
import type { Control, ControlResult, FakeProviderOptions, SeenRequest } from "./model.ts"
import { FakeProviderSettings, fakeErrors, parseOr } from "./model.ts"
import { answerDiscovery } from "./discovery.ts"
import { answerLogins } from "./logins.ts"
import { answerOauth1 } from "./oauth1.ts"
import { answerOauth, checkBearer } from "./oauth.ts"
import { answerCollections } from "./paging.ts"
import { answerRecorded } from "./recorded.ts"
import type { Fake } from "./state.ts"
import { answerControl, clearSeen, controlFake, noteRequest, openFake, waitForRequest } from "./state.ts"
import { readCall, sendAnswer } from "./wire.ts"

export type FakeProvider = {
  /** No slash at the end. */
  url: string
  port: number
  /** The last requests, oldest first; the same array for the life of the server. */
  requests: SeenRequest[]
  /** Forgets the requests that were seen. */
  clear(): void
  /** The first remembered request that fits, else the next one that comes; rejects when the server stops before. */
  waitForRequest(fits: (seen: SeenRequest) => boolean): Promise<SeenRequest>
  /** What `POST /__control` does; returns what was changed. */
  control(message: Control): ControlResult
  /** Ends open requests and closes the port. */
  stop(): Promise<void>
}

type Running = { fake: Fake; url: string; open: Set<AbortController> }

/**
 * Starts a provider for tests and demos on a local port: recorded answers, generated collections, OAuth2, faults and
 * signed webhooks. Everything but times is fixed by the seed. Throws `invalid_options` and `invalid_recording`; a port
 * that is taken rejects with the error of the system.
 *
 * It stands on node:http and not on Bun.serve, because broken answers (a reset, a wrong length) need the socket.
 */
export async function startFakeProvider(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const { send, ...rest } = options
  const settings = parseOr(FakeProviderSettings, rest, "invalid_options")
  const fake = await openFake(settings, send)
  const running: Running = { fake, url: "", open: new Set() }
  const server = createServer((req, res) => void serve(running, req, res))
  // Nothing may close a connection but the client, a fault or stop: anything else looks like a fault.
  server.requestTimeout = 0
  server.keepAliveTimeout = 0

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(settings.port, settings.host, resolve)
  })
  const address = server.address()
  const port = typeof address === "object" && address ? address.port : settings.port
  running.url = `http://${settings.host.includes(":") ? `[${settings.host}]` : settings.host}:${port}`

  const close = async () => {
    for (const request of running.open) request.abort()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
    for (const watcher of fake.watchers) watcher.fail(new Error("the fake provider stopped before such a request came"))
  }
  let closing: Promise<void> | undefined
  return {
    url: running.url,
    port,
    requests: fake.seen,
    clear: () => clearSeen(fake),
    waitForRequest: (fits) => waitForRequest(fake, fits),
    control: (message) => controlFake(fake, message),
    stop: () => (closing ??= close()),
  }
}

async function serve(running: Running, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { fake } = running
  const gone = new AbortController()
  const { signal } = gone
  running.open.add(gone)
  res.on("close", () => gone.abort())
  fake.inFlight++
  fake.maxInFlight = Math.max(fake.maxInFlight, fake.inFlight)
  try {
    const call = stripPrefix(fake, await readCall(req, running.url, signal))
    const isHead = call.method === "HEAD"
    if (call.path.startsWith("/__")) {
      await sendAnswer(res, await answerControl(fake, call).catch(errorAnswer), isHead, signal)
      return
    }
    const seen = noteRequest(fake, call)
    const answer = await answerCall(fake, call, seen)
    if (answer.cut !== "reset" && answer.cut !== "hang") seen.status = answer.status
    await sendAnswer(res, answer, isHead, signal)
  } catch (error) {
    // A request that could not be read, or an answer that node refuses to send: say so if nothing went out yet.
    if (res.headersSent) res.destroy()
    else await sendAnswer(res, errorAnswer(error), false, signal)
  } finally {
    running.open.delete(gone)
    fake.inFlight--
  }
}

function stripPrefix(fake: Fake, call: Call): Call {
  const prefix = fake.settings.prefix?.replace(/\/+$/, "") ?? ""
  return prefix !== "" && isUnder(call.path, prefix) ? withoutPrefix(call, prefix) : call
}

function isUnder(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`)
}

/** Links in the answer keep the prefix, so that a client which follows them stays under it. */
function withoutPrefix(call: Call, prefix: string): Call {
  return {
    ...call,
    path: call.path.slice(prefix.length) || "/",
    base: call.base + prefix,
  }
}

async function answerCall(fake: Fake, call: Call, seen: SeenRequest): Promise<Answer> {
  const fault = takeFault(fake.faults, call)
  if (fault) seen.fault = fault.name
  const delayMs = fake.latencyMs + (fault?.delayMs ?? 0)
  if (delayMs > 0) await pause(delayMs, call.signal)
  return withFault(fault, () => answerPath(fake, call).catch(errorAnswer))
}

async function withFault(fault: Fault | undefined, answer: () => Promise<Answer>): Promise<Answer> {
  const normal = fault?.answer ?? (fault?.mode === "reset" || fault?.mode === "hang" ? { status: 200 } : await answer())
  return fault?.mode ? { ...normal, cut: fault.mode } : normal
}

/** What was recorded goes before what is built in. */
async function answerPath(fake: Fake, call: Call): Promise<Answer> {
  if (isUnder(call.path, "/secure")) {
    const grant = checkBearer(fake.oauth, call)
    return "status" in grant ? grant : answerPath(fake, withoutPrefix(call, "/secure"))
  }
  const answer =
    answerRecorded(fake.recording, call) ??
    answerOauth(fake.oauth, call) ??
    answerOauth1(fake.oauth, call) ??
    answerDiscovery(fake.oauth, call) ??
    answerLogins(fake.oauth, call) ??
    answerCollections(fake.collections, call) ??
    (await answerEchoes(call, fake.settings.seed))
  if (!answer) throw fakeErrors.unknown_path({ message: `Nothing is served at ${call.method} ${call.path}.` })
  return answer
}
