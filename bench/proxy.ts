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

type Way = { url: string; headers: Record<string, string> }

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
    const proxied = await connect(sluice)
    const direct: Way = { url: `${provider.url}/echo`, headers: { authorization: "Bearer a-key-of-the-customer" } }
    await rate(proxied, sluice.pid)
    const ours: Timing[] = []
    const base: Timing[] = []
    for (let round = 0; round < rounds; round++) {
      base.push(await rate(direct, provider.pid))
      ours.push(await rate(proxied, sluice.pid))
    }
    return [...rateLines(fastest(ours), fastest(base)), ...(await addedLines(proxied, direct))]
  } finally {
    await sluice.stop()
    await provider.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function rateLines(ours: Timing, base: Timing): Line[] {
  const rates = `${perSecond(ours).toFixed(0)} of ${perSecond(base).toFixed(0)} a second at ${connections} connections`
  const cpu = `CPU ${cpuMicros(ours).toFixed(0)} us each in the daemon, ${cpuMicros(base).toFixed(0)} us in the provider`
  const value = perSecond(ours) / perSecond(base)
  return [{ what: "proxied requests", value, unit: "x direct", detail: `${rates}; ${cpu}`, aim: { least: 0.45 } }]
}

/** What the gateway adds to one request, turn about, so that both ways meet the same machine. */
async function addedLines(proxied: Way, direct: Way): Promise<Line[]> {
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
async function rate(way: Way, pid: number): Promise<Timing> {
  const cpu = cpuMs(pid)
  const start = performance.now()
  let count = 0
  const call = async () => {
    for (; performance.now() - start < roundMs; count++) await timed(way)
  }
  await Promise.all(Array.from({ length: connections }, call))
  return { ms: performance.now() - start, cpuMs: cpuMs(pid) - cpu, count }
}

async function timed({ url, headers }: Way): Promise<number> {
  const start = performance.now()
  const response = await fetch(url, { headers })
  await response.text()
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}.`)
  return performance.now() - start
}

async function connect(sluice: Sluice): Promise<Way> {
  await must(sluice, "POST", "/integrations", { body: { provider: "bench", unique_key: "bench" } })
  await must(sluice, "POST", "/connections", {
    body: {
      provider_config_key: "bench",
      connection_id: "c1",
      credentials: { type: "API_KEY", apiKey: "a-key-of-the-customer" },
    },
  })
  const headers = { "provider-config-key": "bench", "connection-id": "c1", authorization: `Bearer ${sluice.key}` }
  return { url: `${sluice.url}/proxy/echo`, headers }
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
