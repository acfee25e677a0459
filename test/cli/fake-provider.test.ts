import { expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { ensureBuilt, executable, temporaryFolder } from "../helpers/sluice.ts"
import { runWith } from "./commands.ts"

async function start(...args: string[]) {
  ensureBuilt()
  const proc = Bun.spawn([executable, "fake-provider", "--port", "0", "--json", ...args], {
    env: {},
    stdio: ["ignore", "pipe", "pipe"],
  })
  const reader = proc.stdout.getReader()
  const line = new TextDecoder().decode((await reader.read()).value)
  const { url, pid } = JSON.parse(line) as { url: string; port: number; pid: number }
  return {
    url,
    pid,
    proc,
    async [Symbol.asyncDispose]() {
      proc.kill("SIGTERM")
      expect(await proc.exited).toBe(0)
    },
  }
}

const json = async (url: string, init?: RequestInit): Promise<any> => (await fetch(url, init)).json()

test("it says where it is, serves what the flags say, and ends with 0 on a signal", async () => {
  await using fake = await start("--items", "7", "--seed", "9", "--item-bytes", "0", "--prefix", "/v1")
  await using twin = await start("--items", "7", "--seed", "9", "--item-bytes", "0")
  expect(fake.pid).toBe(fake.proc.pid)
  const items = (await json(`${fake.url}/v1/items?per_page=100`)) as { id: string }[]
  expect(items).toHaveLength(7)
  expect(await json(`${twin.url}/items?per_page=100`)).toEqual(items)
})

test("a recording with an alias, a fault rule and OAuth options", async () => {
  const folder = temporaryFolder("recording")
  const data = join(folder, "rows.json")
  writeFileSync(data, JSON.stringify([{ path: "/repos/o/r/issues", body: [{ id: 1 }] }]))
  writeFileSync(join(folder, "fault.json"), JSON.stringify({ match: { path: "/items" }, every: 2, status: 503 }))
  const oauth = JSON.stringify({ clients: [{ id: "app", secret: "hidden" }], expiresIn: 60 })
  await using fake = await start(
    ...["--data", data, "--alias", "/issues=/repos/o/r/issues", "--fault", `@${join(folder, "fault.json")}`],
    ...["--oauth", oauth],
  )
  expect(await json(`${fake.url}/issues`)).toEqual([{ id: 1 }])
  const statuses = [(await fetch(`${fake.url}/items`)).status, (await fetch(`${fake.url}/items`)).status]
  expect(statuses).toEqual([200, 503])
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id: "app", client_secret: "hidden" })
  const token = await json(`${fake.url}/oauth/token`, { method: "POST", body })
  expect(token.expires_in).toBe(60)
})

test("it sends signed webhooks to loopback, and nowhere else private", async () => {
  const got = Promise.withResolvers<{ body: string; signature: string | null }>()
  await using target = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      got.resolve({ body: await request.text(), signature: request.headers.get("x-hub-signature-256") })
      return new Response("", { status: 202 })
    },
  })
  await using fake = await start()
  const order = {
    url: `http://127.0.0.1:${target.port}/hook`,
    body: { n: 1 },
    sign: { scheme: "github-sha256", secret: "s" },
  }
  const sent = await json(`${fake.url}/__webhook`, { method: "POST", body: JSON.stringify(order) })
  expect(sent.status).toBe(202)
  const { body, signature } = await got.promise
  expect(body).toBe('{"n":1}')
  expect(signature).toBe(`sha256=${new Bun.CryptoHasher("sha256", "s").update(body).digest("hex")}`)
  const away = await fetch(`${fake.url}/__webhook`, {
    method: "POST",
    body: JSON.stringify({ ...order, url: "http://10.0.0.1/" }),
  })
  expect(away.status).toBe(502)
})

test("a port that is taken is named", async () => {
  await using fake = await start()
  const { port } = new URL(fake.url)
  const { code, stdout, stderr } = await runWith(["fake-provider", "--port", port])
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
  expect(stderr).toContain(`Port ${port} is in use.`)
})
