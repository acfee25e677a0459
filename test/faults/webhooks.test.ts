import { expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { type Receiver, type Respond, startReceiver } from "../helpers/receiver.ts"
import { temporaryFolder, until } from "../helpers/sluice.ts"
import { address } from "../kit/certificates.ts"

const hour = 3_600_000
/** An hour passes in a fifth of a second. */
const speed = 18_000
const connections = ["a", "b", "c", "d"]

type Daemon = { url: string; now: () => number; kill: () => Promise<void> }

async function startFast(dataDir: string, key: string, start: number): Promise<Daemon> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "fast-daemon.ts"), dataDir, key, String(start), String(speed)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  )
  const began = performance.now()
  const ready = Promise.withResolvers<string>()
  void (async () => {
    let text = ""
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const url = /ready (\S+)/.exec(text)?.[1]
      if (url) ready.resolve(url)
    }
    ready.reject(new Error(`The daemon ended:\n${text}`))
  })()
  return {
    url: await ready.promise,
    now: () => start + (performance.now() - began) * speed,
    async kill() {
      child.kill("SIGKILL")
      await child.exited
    },
  }
}

test("three kills and every kind of bad receiver: each event arrives, in order, the same each time", async () => {
  const dataDir = temporaryFolder("webhooks")
  const key = crypto.randomUUID()
  const good = startReceiver()
  // Its certificate is worth nothing, so nothing ever gets there; the other address must not suffer from it.
  const untrusted = startReceiver({ tls: address })
  let daemon = await startFast(dataDir, key, Date.parse("2026-03-01T00:00:00Z"))
  const call = async (method: string, path: string, body: unknown): Promise<any> => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" }
    const answer = await fetch(daemon.url + path, { method, headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }
  await call("POST", "/integrations", { provider: "unauthenticated", unique_key: "k" })
  await call("PATCH", "/sluice/webhooks/settings", { primary_url: good.url, secondary_url: untrusted.url })

  /** Each event of a connection carries its number as a tag. */
  const expected: string[] = []
  let n = 0
  const tell = async (count: number) => {
    for (let i = 0; i < count; i++) {
      for (const connection_id of connections) {
        const tags = { n: String(n) }
        await call("POST", "/connections", {
          provider_config_key: "k",
          connection_id,
          credentials: { type: "NONE" },
          tags,
        })
        expected.push(`${connection_id} ${n}`)
      }
      n++
    }
  }
  const accepted: string[] = []
  const accept: Respond = ({ body }) => {
    const { connectionId, tags } = JSON.parse(body)
    accepted.push(`${connectionId} ${tags.n}`)
    return new Response("ok")
  }
  const phases: Respond[] = [
    () => new Promise<Response>(() => undefined),
    () => new Response("", { status: 429, headers: { "retry-after": "7200" } }),
    (one) =>
      one.body.includes('"connectionId":"b"')
        ? accept(one, new Request("http://x"))
        : Response.redirect(`${good.url}/moved`, 301),
  ]
  for (const phase of phases) {
    good.answer(phase)
    const before = good.received.length
    await tell(3)
    await until(() => good.received.length >= before + 4, "the receiver to be asked")
    const at = daemon.now()
    await daemon.kill()
    daemon = await startFast(dataDir, key, at)
    await tell(1)
  }
  good.answer(accept)
  await until(() => new Set(accepted).size === expected.length, "everything to arrive", 60_000)
  await daemon.kill()

  checkOrder(accepted, expected)
  checkSameness(good)
  expect(untrusted.received).toEqual([])
  expect(daemon.now() - Date.parse("2026-03-01T00:00:00Z")).toBeGreaterThan(hour)
  await good.stop()
  await untrusted.stop()
  rmSync(dataDir, { recursive: true })
}, 120_000)

/** For each connection the first arrivals are in the order of the events, and a repetition never comes after a later one. */
function checkOrder(accepted: string[], expected: string[]): void {
  for (const connection of connections) {
    const of = (list: string[]) => list.filter((one) => one.startsWith(`${connection} `))
    const arrived = of(accepted).filter((one, index, list) => one !== list[index - 1])
    expect(arrived).toEqual(of(expected))
  }
}

function checkSameness({ received }: Receiver): void {
  const bodies = new Map<string, string>()
  for (const { id, body } of received) {
    expect(bodies.get(id) ?? body).toBe(body)
    bodies.set(id, body)
  }
  expect(bodies.size).toBe(new Set(bodies.values()).size)
}
