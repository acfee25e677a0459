import type { Answer, Call } from "./answers.ts"
import { bodyText, jsonAnswer, queryObject, readJson } from "./answers.ts"
import type { Collections } from "./collections.ts"
import { describeCollections, makeCollections, mutateCollection } from "./collections.ts"
import type { FaultState } from "./faults.ts"
import { makeFaults } from "./faults.ts"
import type { OauthState } from "./grants.ts"
import { describeOauth, expireAccessTokens, makeOauth, revokeRefreshTokens } from "./grants.ts"
import type { ControlResult, FakeProviderSettings, SeenRequest, SendWebhook } from "./model.ts"
import { Control, fakeErrors, parseOr } from "./model.ts"
import type { Recording } from "./recorded.ts"
import { openRecording } from "./recorded.ts"
import { answerWebhookOrder } from "./webhooks.ts"

const SEEN_BODY_BYTES = 64 * 1024

type Watcher = { tell(seen: SeenRequest): void; fail(error: Error): void }

/** Everything that one running fake knows. */
export type Fake = {
  settings: FakeProviderSettings
  send: SendWebhook | undefined
  recording: Recording
  collections: Collections
  faults: FaultState[]
  oauth: OauthState
  latencyMs: number
  seen: SeenRequest[]
  watchers: Set<Watcher>
  /** Requests since the start, also those that the ring has dropped. */
  total: number
  inFlight: number
  maxInFlight: number
}

export async function openFake(settings: FakeProviderSettings, send: SendWebhook | undefined): Promise<Fake> {
  const recording = await openRecording(settings)
  return {
    settings,
    send,
    recording,
    ...freshState(settings),
    seen: [],
    watchers: new Set(),
    total: 0,
    inFlight: 0,
    maxInFlight: 0,
  }
}

function freshState(settings: FakeProviderSettings) {
  return {
    collections: makeCollections(settings),
    faults: makeFaults(settings.faults),
    oauth: makeOauth({ ...settings.oauth }, settings.seed),
    latencyMs: settings.latencyMs,
  }
}

/** Applies one control message: reset, then settings, then mutations. Throws `invalid_control`. */
export function controlFake(fake: Fake, message: unknown): ControlResult {
  const control = parseOr(Control, message, "invalid_control")
  if (control.reset) {
    Object.assign(fake, freshState(fake.settings))
    clearSeen(fake)
  }
  if (control.faults) fake.faults = makeFaults(control.faults)
  fake.latencyMs = control.latencyMs ?? fake.latencyMs
  if (control.oauth?.expireAccessTokens) expireAccessTokens(fake.oauth)
  if (control.oauth?.revokeRefreshTokens) revokeRefreshTokens(fake.oauth)
  if (control.oauth?.expiresIn !== undefined) fake.oauth.options.expiresIn = control.oauth.expiresIn
  return control.mutate ? { ok: true, mutated: mutateCollection(fake.collections, control.mutate) } : { ok: true }
}

export function clearSeen(fake: Fake): void {
  fake.seen.length = 0
  fake.total = 0
  fake.maxInFlight = fake.inFlight
}

export function noteRequest(fake: Fake, call: Call): SeenRequest {
  const seen: SeenRequest = {
    id: ++fake.total,
    at: Date.now(),
    method: call.method,
    url: call.url,
    path: call.path,
    query: queryObject(call.query),
    headers: call.headers,
    ...bodyText(call.body.subarray(0, SEEN_BODY_BYTES)),
    bodyBytes: call.body.byteLength,
    status: null,
  }
  fake.seen.push(seen)
  if (fake.seen.length > fake.settings.maxSeen) fake.seen.shift()
  for (const watcher of fake.watchers) watcher.tell(seen)
  return seen
}

export function waitForRequest(fake: Fake, fits: (seen: SeenRequest) => boolean): Promise<SeenRequest> {
  const found = fake.seen.find(fits)
  if (found) return Promise.resolve(found)
  return new Promise((resolve, reject) => {
    const watcher: Watcher = {
      fail: reject,
      tell: (seen) => {
        if (!fits(seen)) return
        fake.watchers.delete(watcher)
        resolve(seen)
      },
    }
    fake.watchers.add(watcher)
  })
}

/** Answers the endpoints for the person who runs the fake: `/__control`, `/__requests`, `/__state`, `/__webhook`. */
export async function answerControl(fake: Fake, call: Call): Promise<Answer> {
  const route = `${call.method} ${call.path}`
  if (route === "POST /__control") return jsonAnswer(200, controlFake(fake, readJson(call)))
  if (route === "GET /__requests") return jsonAnswer(200, { total: fake.total, requests: fake.seen })
  if (route === "DELETE /__requests") {
    clearSeen(fake)
    return { status: 204 }
  }
  if (route === "GET /__state") return jsonAnswer(200, describeFake(fake))
  if (route === "POST /__webhook") return answerWebhookOrder(call, fake.send)
  throw fakeErrors.unknown_path({ message: `There is no ${route}.` })
}

function describeFake(fake: Fake) {
  return {
    seed: fake.settings.seed,
    requests: {
      total: fake.total,
      inFlight: fake.inFlight,
      maxInFlight: fake.maxInFlight,
    },
    oauth: describeOauth(fake.oauth),
    faults: fake.faults,
    collections: describeCollections(fake.collections),
    recorded: [...fake.recording.families.keys()],
  }
}
