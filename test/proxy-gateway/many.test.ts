import { expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { startSluice, temporaryFolder } from "../helpers/sluice.ts"

const count = 400

/** A client of its own, because this process has the cap that is looked at. */
const client = `
const [url, key, count] = process.argv.slice(2)
const headers = { authorization: "Bearer " + key, "provider-config-key": "held", "connection-id": "c1" }
const answers = await Promise.all(Array.from({ length: Number(count) }, () => fetch(url + "/proxy/x", { headers })))
console.log(answers.filter(({ status }) => status === 200).length)
`

test(`${count} requests are with a provider at the same time`, async () => {
  let waiting = 0
  const all = Promise.withResolvers<void>()
  // Answers nobody before everybody has asked.
  const provider = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch() {
      if (++waiting === count) all.resolve()
      await all.promise
      return new Response("ok")
    },
  })
  const folder = temporaryFolder("providers")
  mkdirSync(folder, { recursive: true })
  const entry = `display_name: Held\ndocs: https://example.com\nauth_mode: NONE\nproxy: { base_url: "${provider.url}" }\n`
  writeFileSync(join(folder, "held.yaml"), entry)
  const env = { SLUICE_PROVIDERS: folder, SLUICE_EGRESS_ALLOW: "127.0.0.0/8" }
  const sluice = await startSluice({ env })
  await sluice.call("POST", "/integrations", { body: { provider: "held", unique_key: "held" } })
  const body = { provider_config_key: "held", connection_id: "c1", credentials: { type: "NONE" } }
  await sluice.call("POST", "/connections", { body })
  const script = join(folder, "client.ts")
  writeFileSync(script, client)
  const child = Bun.spawn([process.execPath, script, sluice.url, sluice.key, String(count)], {
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "1000" },
    stdout: "pipe",
  })
  expect((await new Response(child.stdout).text()).trim()).toBe(String(count))
  await sluice.stop()
  await provider.stop(true)
}, 60_000)
