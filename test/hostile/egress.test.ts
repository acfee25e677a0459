import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { lookup } from "node:dns/promises"
import { existsSync, readFileSync } from "node:fs"
import { hostname } from "node:os"
import { classifyAddress } from "../../src/kit/address.ts"
import { type FakeProvider, startFakeProvider } from "../../src/fake-provider/server.ts"
import { deploy } from "../helpers/sluice.ts"
import { actionSource, openStage, type Stage, trigger } from "./stage.ts"

// What a function asks for, through the SDK's two ways out; it tells what it got instead of failing.
const asking = {
  "fake/actions/ask.ts": actionSource(`
    try {
      if (input.way === "get") {
        const { status, data } = await nango.get({ baseUrlOverride: input.origin, endpoint: input.path, retries: 0 })
        return { status, data }
      }
      const response = await nango.uncontrolledFetch({ url: new URL(input.origin + input.path) })
      return { status: response.status, data: await response.text() }
    } catch (e: any) {
      return { refused: e.code ?? e.payload?.code ?? e.name, message: String(e.message || e.payload?.message) }
    }`),
}

const ways = ["get", "uncontrolledFetch"] as const
type Way = (typeof ways)[number]

/** Spellings of this machine, private networks and metadata services; `opened`: reaches the fake once loopback is open. */
const spellings: [host: string, opened?: "opened"][] = [
  ["127.0.0.1", "opened"],
  ["127.0.0.1.", "opened"],
  ["127.1", "opened"],
  ["127.0.1", "opened"],
  ["0x7f000001", "opened"],
  ["0x7f.1", "opened"],
  ["2130706433", "opened"],
  ["0177.0.0.1", "opened"],
  ["017700000001", "opened"],
  ["%31%32%37.0.0.1", "opened"],
  ["１２７.０.０.１", "opened"],
  ["127。0。0。1", "opened"],
  ["[::ffff:127.0.0.1]", "opened"],
  ["[::ffff:7f00:1]", "opened"],
  ["[0:0:0:0:0:ffff:7f00:1]", "opened"],
  ["localhost", "opened"],
  ["LOCALHOST.", "opened"],
  ["ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "opened"],
  ["a.localhost", "opened"],
  ["localhost.localdomain", "opened"],
  ["127.0.0.2"],
  ["127.255.255.254"],
  ["0.0.0.0"],
  ["0"],
  ["[::]"],
  ["[::1]"],
  ["[::127.0.0.1]"],
  ["[::ffff:0:127.0.0.1]"],
  ["[64:ff9b::127.0.0.1]"],
  ["[64:ff9b:1::7f00:1]"],
  ["[2002:7f00:1::]"],
  ["[2001:0:7f00:1::]"],
  ["[fe80::1]"],
  ["[fc00::1]"],
  ["[fd00:ec2::254]"],
  ["10.0.0.1"],
  ["172.16.0.1"],
  ["192.168.0.1"],
  ["100.64.0.1"],
  ["100.100.100.200"],
  ["169.254.169.254"],
  ["2852039166"],
  ["[::ffff:169.254.169.254]"],
  ["[64:ff9b::a9fe:a9fe]"],
  ["224.0.0.1"],
  ["255.255.255.255"],
  ["metadata.google.internal"],
  ["METADATA.google.internal."],
  ["metadata"],
  ["instance-data"],
]

let closed: Stage
let open: Stage
/** The same port on the other loopback addresses, where the machine has them. */
const others: FakeProvider[] = []

beforeAll(async () => {
  closed = await openStage()
  open = await openStage({ SLUICE_EGRESS_ALLOW: "127.0.0.0/8" })
  for (const { sluice } of [closed, open]) await deploy(sluice, asking)
  for (const host of ["::1", "127.0.0.2"]) {
    const other = await startFakeProvider({ host, port: closed.fake.port }).catch(() => undefined)
    if (other) others.push(other)
  }
})
afterAll(async () => {
  for (const stage of [closed, open]) await stage.stop()
  for (const other of others) await other.stop()
})

async function ask({ sluice }: Stage, way: Way, origin: string, path: string): Promise<any> {
  const { status, body, text } = await trigger(sluice, "ask", { way, origin, path })
  if (status !== 200) throw new Error(`The action answered ${status}: ${text}`)
  return body
}

const seenBy = (...fakes: FakeProvider[]) => fakes.flatMap((fake) => fake.requests.map((request) => request.url))

describe.each(ways)("through %s", (way) => {
  test.each(spellings)("http://%s is refused", async (host) => {
    const answer = await ask(closed, way, `http://${host}:${closed.fake.port}`, "/echo?api_key=hunter2")
    expect(answer.refused).toBe("url_not_allowed")
    expect(answer.message).not.toContain("hunter2")
    expect(seenBy(closed.fake, ...others)).toEqual([])
  })

  test.each(spellings.filter(([, opened]) => opened))("http://%s is reached once it is opened", async (host) => {
    open.fake.clear()
    const answer = await ask(open, way, `http://${host}:${open.fake.port}`, "/echo")
    expect(answer.status).toBe(200)
    expect(seenBy(open.fake)).toEqual(["/echo"])
  })

  const odd = [
    "file:///etc/passwd",
    "ftp://127.0.0.1",
    "data:text/plain,x",
    "http://user:pass@127.0.0.1",
    "gopher://127.0.0.1",
  ]
  test.each(odd)("%s is no way out", async (origin) => {
    const answer = await ask(open, way, origin, "/echo")
    expect(answer.refused).toBeString()
    expect(answer.status).toBeUndefined()
    expect(seenBy(closed.fake, ...others)).toEqual([])
  })

  test("the daemon's own port is refused even when its network is open", async () => {
    for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"]) {
      const answer = await ask(open, way, `http://${host}:${open.sluice.port}`, "/health")
      expect(answer).toEqual({ refused: "url_not_allowed", message: expect.stringContaining("own address") })
    }
  })

  test("a redirect leads only to where a request may go itself", async () => {
    const { fake, sluice } = open
    const targets = [
      `http://127.0.0.1:${sluice.port}/health`,
      `http://[::1]:${closed.fake.port}/echo`,
      `http://0.0.0.0:${closed.fake.port}/echo`,
      `http://[64:ff9b::7f00:1]:${closed.fake.port}/echo`,
      "http://169.254.169.254/latest/meta-data/",
      "http://metadata.google.internal/",
      "http://10.0.0.1/",
      "file:///etc/passwd",
    ]
    // The proxy has a code of its own for this; what stands for the platform's fetch has one for every refused place.
    const codes = { get: "proxy_redirect_to_denied_host", uncontrolledFetch: "url_not_allowed" }
    const refusal = expect.stringMatching(new RegExp(`^(${codes[way]}|invalid_redirect)$`))
    for (const target of targets) {
      for (const code of [301, 302, 303, 307, 308]) {
        const path = `/redirect?code=${code}&to=${encodeURIComponent(target)}`
        const answer = await ask(open, way, fake.url, path)
        expect([target, answer.refused]).toEqual([target, refusal])
      }
    }
    expect(seenBy(closed.fake, ...others)).toEqual([])
    const allowed = await ask(open, way, fake.url, `/redirect?to=${encodeURIComponent(`${fake.url}/echo`)}`)
    expect(allowed.status).toBe(200)
  })

  test("redirects without end are ended", async () => {
    const answer = await ask(open, way, open.fake.url, "/redirect/50")
    expect(answer.refused).toBe("too_many_redirects")
  })
})

/** Names of this machine that its resolver, not the gate, turns into a private address: no test hook is needed for them. */
async function privateNames(): Promise<string[]> {
  const hosts = existsSync("/etc/hosts") ? readFileSync("/etc/hosts", "utf8") : ""
  const listed = hosts.split("\n").flatMap((line) => line.replace(/#.*/, "").trim().split(/\s+/).slice(1))
  const names = [...new Set([hostname(), ...listed])].filter((name) => !/^$|localhost|localdomain|^ip6-/.test(name))
  const answers = await Promise.all(
    names.map(async (name) => (await lookup(name).catch(() => undefined))?.address ?? ""),
  )
  return names.filter((_, at) => answers[at] !== "" && classifyAddress(answers[at] ?? "") !== "public")
}

const names = await privateNames()
// A machine whose hosts file has no name but localhost offers nothing to ask for.
test.skipIf(names.length === 0)("a name whose address is private is refused, and opened by its name", async () => {
  for (const way of ways) {
    for (const name of names) {
      const answer = await ask(closed, way, `http://${name}:${closed.fake.port}`, "/echo")
      expect(answer.refused).toBe("url_not_allowed")
    }
  }
  expect(seenBy(closed.fake, ...others)).toEqual([])
  const [name = ""] = names
  const named = await openStage({ SLUICE_EGRESS_ALLOW: name })
  await deploy(named.sluice, asking)
  const answer = await ask(named, "get", `http://${name}:${named.fake.port}`, "/echo")
  const reachable = (await lookup(name)).address === "127.0.0.1"
  expect(answer).toMatchObject(reachable ? { status: 200 } : { refused: expect.not.stringMatching("url_not_allowed") })
  await named.stop()
})
