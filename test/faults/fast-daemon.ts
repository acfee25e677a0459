import { pino } from "pino"
import { openApp } from "../../src/app/app.ts"
import { loadConfig } from "../../src/app/config.ts"
import { createApi } from "../../src/http/api.ts"

/**
 * The daemon from source, in a process of its own that can be killed, with a clock that runs much faster than the real one
 * and goes on where the daemon before it was: `fast-daemon.ts <data directory> <secret key> <start ms> <speed>`.
 */
const [dataDir, key, start, speed] = process.argv.slice(2)
const began = performance.now()
const now = () => new Date(Number(start) + (performance.now() - began) * Number(speed))
const open = await openApp({
  config: loadConfig({
    flags: { dataDir, runnerWarm: 0, egressAllow: "127.0.0.0/8" },
    env: { SLUICE_SECRET_KEY: key },
  }),
  log: pino({ level: "warn" }),
  now,
  address: () => undefined,
})
const api = createApi(open.app)
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => api(request) })
await open.start()
// The queue sleeps in real time, and time passes faster here.
setInterval(open.app.queue.wake, 10)
console.log(`ready http://127.0.0.1:${server.port}`)
