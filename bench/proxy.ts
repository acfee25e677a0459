import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { executable, startSluice, temporaryFolder, type Sluice } from "../test/helpers/sluice.ts"
import { must } from "./daemon.ts"
import { cpuMs } from "./processes.ts"
import { cpuMicros, fastest, type Line, perSecond, quantile, type Timing } from "./report.ts"

const connections = 32
const rounds = 6
const roundMs = 1_500
const turns = 15
const inTurn = 60

type Way = { call: () => Promise<unknown>; pid: number }
type Ways = { proxied: Way; direct: Way }

/**
 * The same `GET` at a provider on this machine, which is a process of its own: asked directly, and through the gateway.
 * The rate with 32 connections, and one request after the other for what the gateway adds.
 */
export async function measureProxy(): Promise<Line[]> {
  const provider = await startProvider()
  const folder = temporaryFolder("providers")
  writeFileSync(join(folder, "bench.yaml"), entryAt(provider.url))
  const sluice = await startSluice({ env: { SLUICE_PROVIDERS: folder, SLUICE_EGRESS_ALLOW: "127.0.0.0/8" } })
  try {
    await connect(sluice)
    const ways: Ways = {
      proxied: { call: callAt(`${sluice.url}/proxy`, sluice.key), pid: sluice.pid },
      direct: { call: callAt(provider.url, sluice.key), pid: provider.pid },
    }
    return [...(await rateLines(ways)), ...(await addedLines(ways))]
  } finally {
    await sluice.stop()
    await provider.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function rateLines({ proxied, direct }: Ways): Promise<Line[]> {
  await rate(proxied)
  const ours: Timing[] = []
  const base: Timing[] = []
  for (let round = 0; round < rounds; round++) {
    base.push(await rate(direct))
    ours.push(await rate(proxied))
  }
  const [best, bestBase] = [fastest(ours), fastest(base)]
  const rates = `${perSecond(best).toFixed(0)} of ${perSecond(bestBase).toFixed(0)} a second at ${connections} connections`
  const cpu = `CPU ${cpuMicros(best).toFixed(0)} us each in the daemon, ${cpuMicros(bestBase).toFixed(0)} us in the provider`
  const value = perSecond(best) / perSecond(bestBase)
  return [{ what: "proxied requests", value, unit: "x direct", detail: `${rates}; ${cpu}`, aim: { least: 0.45 } }]
}

/** What the gateway adds to one request, turn about, so that both ways meet the same machine. */
async function addedLines({ proxied, direct }: Ways): Promise<Line[]> {
  const ours: number[] = []
  const base: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    for (let index = 0; index < inTurn; index++) base.push(await timed(direct))
    for (let index = 0; index < inTurn; index++) ours.push(await timed(proxied))
  }
  const added = (share: number) => quantile(ours, share) - quantile(base, share)
  const detail = (share: number) => `${quantile(ours, share).toFixed(2)} against ${quantile(base, share).toFixed(2)} ms`
  return [
    { what: "  added p50", value: added(0.5), unit: "ms", detail: detail(0.5), aim: { most: 0.5 } },
    { what: "  added p99", value: added(0.99), unit: "ms", detail: detail(0.99) },
  ]
}

/** As many requests as `connections` callers get answered in a round. */
async function rate({ call, pid }: Way): Promise<Timing> {
  const cpu = cpuMs(pid)
  const start = performance.now()
  let count = 0
  const repeat = async () => {
    for (; performance.now() - start < roundMs; count++) await call()
  }
  await Promise.all(Array.from({ length: connections }, repeat))
  return { ms: performance.now() - start, cpuMs: cpuMs(pid) - cpu, count }
}

async function timed({ call }: Way): Promise<number> {
  const start = performance.now()
  await call()
  return performance.now() - start
}

function callAt(base: string, key: string): Way["call"] {
  const headers = { "provider-config-key": "bench", "connection-id": "c1", authorization: `Bearer ${key}` }
  return async () => {
    const response = await fetch(`${base}/echo`, { headers })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${base} answered ${response.status}: ${text}`)
  }
}

async function connect(sluice: Sluice): Promise<void> {
  await must(sluice, "POST", "/integrations", { body: { provider: "bench", unique_key: "bench" } })
  await must(sluice, "POST", "/connections", {
    body: {
      provider_config_key: "bench",
      connection_id: "c1",
      credentials: { type: "API_KEY", apiKey: "a-key-of-the-customer" },
    },
  })
}

async function startProvider() {
  const proc = Bun.spawn([executable, "fake-provider", "--port", "0", "--json"], {
    env: {},
    stdio: ["ignore", "pipe", "ignore"],
  })
  let text = ""
  const decoder = new TextDecoder()
  for await (const chunk of proc.stdout) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes("\n")) break
  }
  const { url } = JSON.parse(text) as { url: string }
  const stop = () => {
    proc.kill("SIGTERM")
    return proc.exited
  }
  return { url, pid: proc.pid, stop }
}

const entryAt = (url: string) => `display_name: Bench
docs: https://example.com
auth_mode: API_KEY
credentials:
  apiKey:
    type: string
    title: API key
    description: Any text will do.
proxy:
  base_url: ${url}
  headers:
    authorization: Bearer \${apiKey}
  retry:
    after: retry-after
`
