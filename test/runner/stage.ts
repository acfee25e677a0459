import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import pino from "pino"
import { openApp } from "../../src/app/app.ts"
import { loadConfig } from "../../src/app/config.ts"
import type { EnvironmentCtx } from "../../src/app/context.ts"
import { findConnection } from "../../src/connections/connections.ts"
import { importConnection } from "../../src/connections/import.ts"
import { getEnvironmentByName } from "../../src/environments/environments.ts"
import type { FakeProviderOptions } from "../../src/fake-provider/model.ts"
import { startFakeProvider } from "../../src/fake-provider/server.ts"
import { createIntegration } from "../../src/integrations/integrations.ts"
import type { NewMessage } from "../../src/logs/model.ts"
import type { CallName } from "../../src/runner/calls.ts"
import { type HostRun, newCheckpointState } from "../../src/runner/host-run.ts"
import { answerFor } from "../../src/runner/host.ts"
import type { RunOutcome } from "../../src/runner/runner.ts"
import { runAction } from "../../src/runs/action-run.ts"
import { baseFacts } from "../../src/runs/context.ts"
import { temporaryFolder } from "../helpers/sluice.ts"
import { action, request } from "./requests.ts"

export type Stage = Awaited<ReturnType<typeof openStage>>
type Given = {
  /** The entry whose connection it runs on. */
  as?: string
  input?: unknown
  signal?: AbortSignal
  /** Before a call of the guest is answered; `nth` counts calls of this name from 1. */
  onCall?: (call: CallName, nth: number) => unknown
  /** While a wait passes. */
  onWait?: () => unknown
}
export type Ran = { outcome: RunOutcome; waits: number[]; messages: NewMessage[]; run: HostRun }

/** Where the clock of a stage stands at first. */
export const startOfStage = Date.parse("2026-03-04T05:06:07Z")

/**
 * Everything of the daemon in this process but its door: store, catalogue, gate, runner. The outside world is a fake
 * provider; the clock stands still, and the waits between repeated requests move it.
 * @param entries catalogue entries by name; `BASE` in them is the fake's address
 */
export async function openStage(entries: Record<string, string>, fakeOptions: FakeProviderOptions = {}) {
  const fake = await startFakeProvider(fakeOptions)
  const providers = temporaryFolder("providers")
  for (const [name, text] of Object.entries(entries)) {
    writeFileSync(join(providers, `${name}.yaml`), text.replaceAll("BASE", fake.url))
  }
  const dataDir = temporaryFolder("stage")
  const clock = { now: startOfStage }
  const flags = { dataDir, providers, egressAllow: ["127.0.0.0/8"], runnerWarm: 1, runnerMax: 4 }
  const opened = await openApp({
    config: loadConfig({ flags, env: {} }),
    log: pino({ level: "silent" }),
    now: () => new Date(clock.now),
    address: () => undefined,
  })
  const environment = await getEnvironmentByName(opened.app, "dev")
  const ctx: EnvironmentCtx = { ...opened.app, environment }
  for (const name of Object.keys(entries)) {
    await createIntegration(ctx, { provider: name, unique_key: name })
    await connect(name)
  }

  async function connect(name: string, apiKey = "key-of-the-connection"): Promise<void> {
    await importConnection(ctx, {
      provider_config_key: name,
      connection_id: "c1",
      credentials: { type: "API_KEY", apiKey },
      connection_config: { sub: "acme" },
      metadata: { team: "m1" },
    })
  }

  async function openRun(name: string, given: Given): Promise<Ran & { facts: Awaited<ReturnType<typeof baseFacts>> }> {
    const found = await findConnection(ctx, { connectionId: "c1", providerConfigKey: name })
    if (!found) throw new Error(`There is no connection of ${name}`)
    const waits: number[] = []
    const messages: NewMessage[] = []
    const operation = ctx.logs.open({ environmentId: environment.id, type: "action", action: "run", message: "test" })
    const run: HostRun = {
      ctx,
      kind: "action",
      found,
      provider: ctx.catalogue.get(found.integration.provider),
      operation: {
        ...operation,
        write(message) {
          messages.push(message)
          operation.write(message)
        },
      },
      signal: given.signal ?? new AbortController().signal,
      async sleep(ms) {
        waits.push(ms)
        clock.now += ms
        await given.onWait?.()
      },
      scope: "action:test",
      syncName: "",
      variant: "base",
      models: [],
      acceptDeletes: false,
      checkpoint: newCheckpointState(),
      ignoreAfter: new Map(),
      toMark: [],
      triggerAction: (input) => runAction(ctx, { ...input, depth: 1 }),
    }
    return { outcome: { ok: true, output: undefined }, waits, messages, run, facts: await baseFacts(run) }
  }

  return {
    ctx,
    fake,
    clock,
    connect,
    /** Runs the body of an action on the connection of `as` (the first entry when left out), against the real answers. */
    async run(body: string, given: Given = {}): Promise<Ran> {
      const { facts, ...ran } = await openRun(given.as ?? Object.keys(entries)[0] ?? "", given)
      const input = given.input === undefined ? undefined : JSON.stringify(given.input)
      const asked = request(action(body), { facts, input, signal: given.signal })
      const answer = answerFor(ran.run)
      const counts = new Map<string, number>()
      const outcome = await ctx.runner.run({
        ...asked,
        async answer(call, ...rest) {
          counts.set(call, (counts.get(call) ?? 0) + 1)
          await given.onCall?.(call, counts.get(call) ?? 0)
          return answer(call, ...rest)
        },
      })
      return { ...ran, outcome }
    },
    async close(): Promise<void> {
      await opened.close()
      await fake.stop()
      rmSync(dataDir, { recursive: true, force: true })
      rmSync(providers, { recursive: true, force: true })
    },
  }
}

/** A provider entry with an API key, in the catalogue's format; `more` stands under `proxy`. */
export const entry = (more = "") => `display_name: Test
docs: https://example.com
auth_mode: API_KEY
credentials:
  apiKey:
    type: string
    title: API key
    description: Any text.
proxy:
  base_url: BASE
  headers:
    authorization: Bearer \${apiKey}
${more
  .split("\n")
  .map((line) => `  ${line}`)
  .join("\n")}
`
