import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Sluice, startSluice } from "../helpers/sluice.ts"
import {
  hostileTexts,
  hugeBody,
  type Operation,
  operationsOf,
  type Shot,
  shotsAt,
  trickyPaths,
} from "./hostile-requests.ts"

const seed = Number(process.env.SLUICE_FUZZ_SEED ?? 20_260_301)
const marker = "only-dev-may-see-this"

let sluice: Sluice
let operations: Operation[]
/** The stranger's keys: one of the environment prod, and one that may also manage environments. */
let keys: { environment: string; account: string }
beforeAll(async () => {
  const account = crypto.randomUUID()
  sluice = await startSluice({ env: { NANGO_SECRET_KEY_PROD: account } })
  keys = { account, environment: /prod +([0-9a-f-]{36})/.exec(sluice.output())?.[1] ?? account }
  operations = operationsOf((await sluice.call("GET", "/openapi.json", { key: null })).body)
  await fillDev()
})
afterAll(() => sluice.stop())

const names = { key: "dev-integration", id: "dev-connection" }
async function fillDev(): Promise<void> {
  const oauth = { type: "OAUTH2", client_id: "id", client_secret: `${marker}-app` }
  const made = [
    ["POST", "/integrations", { provider: "github", unique_key: names.key, credentials: oauth, display_name: marker }],
    [
      "POST",
      "/connections",
      {
        provider_config_key: names.key,
        connection_id: names.id,
        credentials: { type: "OAUTH2", access_token: `${marker}-token` },
        metadata: { text: marker },
        tags: { text: marker },
      },
    ],
    ["PUT", "/sluice/environment/variables", [{ name: "TEXT", value: marker }]],
  ] as const
  for (const [method, path, body] of made) expect((await sluice.call(method, path, { body })).status).toBeLessThan(300)
}
const shown = async () => {
  const connection = await sluice.call("GET", `/connections/${names.id}?provider_config_key=${names.key}`)
  const { last_fetched_at: _, ...rest } = connection.body
  return [
    rest,
    (await sluice.call("GET", "/integrations")).body,
    (await sluice.call("GET", "/environment-variables")).body,
  ]
}

type Problem = { shot: string; status: number; text: string }

/** Sends one request and answers what is wrong with the answer, if anything. */
async function fire({ method, path, headers, body }: Shot, key: string): Promise<Problem | undefined> {
  // What streams without an end is looked at for a moment.
  const signal = AbortSignal.timeout(4_000)
  const response = await fetch(`${sluice.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...headers },
    body,
    signal,
    redirect: "manual",
  })
  const text = await response.text().catch(() => "")
  const leaks = text.includes(marker)
  if (response.status < 500 && !leaks) return undefined
  return {
    shot: `${method} ${path.slice(0, 300)} ${body?.slice(0, 300)}`,
    status: response.status,
    text: text.slice(0, 500),
  }
}

/** Some at a time: the machine is not what is tested. */
async function fireAll(shots: { shot: Shot; key: string }[]): Promise<Problem[]> {
  const problems: Problem[] = []
  const queue = shots.values()
  const work = async () => {
    for (const { shot, key } of queue) {
      const problem = await fire(shot, key)
      if (problem) problems.push(problem)
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
  return problems
}

const has = ({ security }: Operation, scheme: string) => security.some((one) => scheme in one)

/** The token of a connect session of the stranger's, for one operation: some of them end it. */
async function openSession(): Promise<string> {
  const body = { tags: { who: "stranger" } }
  return (await sluice.call("POST", "/connect/sessions", { key: keys.environment, body })).body.data.token
}

/** Who fires at an operation: a key, or a browser with its session in the header or in the query. */
async function armed(operation: Operation, shots: Shot[]): Promise<{ shot: Shot; key: string }[]> {
  const key = isForAccounts(operation) ? keys.account : keys.environment
  const session = has(operation, "sessionHeader") || has(operation, "sessionQuery") ? await openSession() : key
  if (!has(operation, "sessionQuery")) return shots.map((shot) => ({ shot, key: session }))
  return shots.map((shot) => {
    const join = shot.path.includes("?") ? "&" : "?"
    return { shot: { ...shot, path: `${shot.path}${join}connect_session_token=${session}` }, key }
  })
}

const isForAccounts = (operation: Operation) => JSON.stringify(operation.security).includes("account:")

test(`no request makes an error of the server, or shows what is another environment's (seed ${seed})`, async () => {
  const before = await shown()
  const perOperation = operations.map((operation, index) => {
    // A stranger knows the names of the other environment's things, but not the numbers of environments.
    const texts = isForAccounts(operation) ? [] : [names.key, names.id, "1"]
    return armed(operation, shotsAt(operation, { seed: seed + index, texts }))
  })
  const shots = (await Promise.all(perOperation)).flat()
  expect(shots.length).toBeGreaterThan(operations.length * 20)
  expect(await fireAll(shots)).toEqual([])
  expect(await shown()).toEqual(before)
}, 60_000)

test("bodies of ten megabytes, a hundred levels, and in other media types", async () => {
  const huge = hugeBody(10)
  const deep = `{"metadata":${'{"a":'.repeat(100)}1${"}".repeat(100)}}`
  const writing = operations.filter(({ method }) => method !== "GET")
  const shots = writing.flatMap(({ method, path }, index) => {
    const at = { method, path: path.replace(/\{\w+\}/g, "x"), headers: { "content-type": "application/json" } }
    const types = ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "a/b", ";;"]
    const others = types.map((type) => ({ ...at, headers: { "content-type": type }, body: "a=b" }))
    return [{ ...at, body: deep }, ...others, ...(index % 6 === 0 ? [{ ...at, body: huge }] : [])]
  })
  expect(await fireAll(shots.map((shot) => ({ shot, key: keys.environment })))).toEqual([])
}, 60_000)

test("paths that no client sends", async () => {
  const statuses = await Promise.all(trickyPaths.map((path) => rawStatus(path)))
  const wrong = trickyPaths.filter((_, index) => (statuses[index] ?? 500) >= 500)
  expect(wrong.map((path) => path.slice(0, 100))).toEqual([])
})

/** The status that the bytes of a request get; 0 when the connection is closed without an answer. */
async function rawStatus(path: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let text = ""
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: sluice.port,
    socket: {
      data: (_socket, chunk) => void (text += chunk.toString()),
      close: () => resolve(text),
      error: () => resolve(text),
    },
  })
  const lines = ["host: 127.0.0.1", `authorization: Bearer ${keys.environment}`, "connection: close", "", ""]
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}`)
  const answer = await promise
  expect(answer).not.toContain(marker)
  expect(answer).not.toContain("root:")
  return Number(answer.split(" ")[1] ?? 0)
}

test("the daemon has had no trouble of its own", async () => {
  expect((await sluice.call("GET", "/health")).body).toEqual({ result: "ok" })
  expect((await sluice.call("GET", "/ready")).body).toEqual({ result: "ok" })
  expect(sluice.output()).not.toContain("failed unexpectedly")
  expect(hostileTexts.filter((text) => text.length > 20 && sluice.output().includes(text))).toEqual([])
})
