import { describe, expect, test } from "bun:test"
import { parseAllowList } from "../../src/kit/address.ts"
import { createEgress } from "../../src/kit/fetch.ts"
import type { RawServer } from "./egress-servers.ts"
import { codeOf, failureOf, ok, rawServer } from "./egress-servers.ts"

const nothing = parseAllowList([])
const loopback = parseAllowList(["127.0.0.0/8"])
const none = { allow: nothing, lookup: async () => ["127.0.0.1"] }

/** Spellings of this machine (or of a metadata service), and what opens each. */
const SPELLINGS: [host: string, opener: string | undefined][] = [
  ["127.0.0.1", "127.0.0.1"],
  ["127.0.0.1.", "127.0.0.1"],
  ["127.1", "127.0.0.1"],
  ["127.0.1", "127.0.0.1"],
  ["0x7f000001", "127.0.0.1"],
  ["0x7f.1", "127.0.0.1"],
  ["2130706433", "127.0.0.1"],
  ["0177.0.0.1", "127.0.0.1"],
  ["017700000001", "127.0.0.1"],
  ["%31%32%37.0.0.1", "127.0.0.1"],
  ["１２７.０.０.１", "127.0.0.1"],
  ["127。0。0。1", "127.0.0.1"],
  ["①②⑦.0.0.1", "127.0.0.1"],
  ["[::ffff:127.0.0.1]", "127.0.0.1"],
  ["[::ffff:7f00:1]", "127.0.0.1"],
  ["[0:0:0:0:0:ffff:7f00:0001]", "127.0.0.1"],
  ["0.0.0.0", "0.0.0.0"],
  ["0", "0.0.0.0"],
  ["localhost", "127.0.0.0/8"],
  ["localhost", "localhost"],
  ["localhost.", "127.0.0.0/8"],
  ["LOCALHOST", "127.0.0.0/8"],
  ["ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "127.0.0.0/8"],
  ["%6cocalhost", "127.0.0.0/8"],
  ["a.localhost", "*.localhost"],
  ["a.b.localhost.", "127.0.0.0/8"],
  ["ip6-localhost", "127.0.0.0/8"],
  ["metadata.google.internal", "metadata.google.internal"],
  ["metadata.google.internal.", "metadata.google.internal"],
  ["METADATA.google.internal", "*.google.internal"],
  ["private.test", "127.0.0.1"],
  ["private.test.", "private.test"],
  ["[::1]", undefined],
  ["[::7f00:1]", undefined],
  ["[::]", undefined],
  ["[64:ff9b::7f00:1]", undefined],
  ["[64:ff9b:1::7f00:1]", undefined],
  ["[2002:7f00:1::]", undefined],
  ["[fd00:ec2::254]", undefined],
  ["[fe80::1]", undefined],
  ["169.254.169.254", undefined],
  ["2852039166", undefined],
  ["[::ffff:169.254.169.254]", undefined],
  ["10.0.0.1", undefined],
  ["192.168.0.1", undefined],
  ["100.100.100.200", undefined],
]

describe("a spelling of this machine", () => {
  test.each(SPELLINGS)("%s is refused (opened by %s)", async (host, opener) => {
    await using server = await rawServer()
    const egress = createEgress(none)
    const url = `http://${host}:${server.port}/path?api_key=hunter2`
    const error = await failureOf(egress.send({ url }))
    expect(error).toMatchObject({ code: "url_not_allowed" })
    expect(error.message).not.toContain("hunter2")
    expect(server.connections).toBe(0)
    if (opener === undefined) return
    const response = await createEgress({ ...none, allow: parseAllowList([opener]) }).send({ url })
    expect(await response.text()).toBe("ok")
    expect(server.requests).toHaveLength(1)
    const perRequest = await egress.send({ url, allow: parseAllowList([opener]) })
    expect(await perRequest.text()).toBe("ok")
  })

  test.each([
    "ftp://a.test/",
    "file:///etc/passwd",
    "s3://bucket/key",
    "data:text/plain,x",
    "blob:http://a.test/1",
    "nonsense",
    "http://a..test/",
    "http://u:p@a.test/",
    "http://u@a.test/",
  ])("%s is refused before any lookup", async (url) => {
    const lookup = async () => {
      throw new Error("must not be asked")
    }
    expect(await codeOf(createEgress({ allow: nothing, lookup }).send({ url }))).toBe("url_not_allowed")
  })
})

describe("names", () => {
  const send = (server: RawServer, addresses: string[], entries: string[] = []) =>
    createEgress({ allow: parseAllowList(entries), lookup: async () => addresses }).send({
      url: `http://mixed.test:${server.port}/`,
    })

  test("one private address among public ones refuses the name", async () => {
    await using server = await rawServer()
    expect(await codeOf(send(server, ["8.8.8.8", "127.0.0.1"]))).toBe("url_not_allowed")
    expect(await codeOf(send(server, ["127.0.0.1", "10.0.0.1"], ["127.0.0.0/8"]))).toBe("url_not_allowed")
    expect(await codeOf(send(server, ["0x7f.1"], ["0.0.0.0/0"]))).toBe("url_not_allowed")
    expect(await codeOf(send(server, ["fe80::1%lo"], ["mixed.test", "::/0"]))).toBe("url_not_allowed")
    expect(server.connections).toBe(0)
  })

  test("an answer that changes after the check changes nothing", async () => {
    await using server = await rawServer()
    await using other = await rawServer(ok, "127.0.0.2")
    const answers = [["127.0.0.1"], ["127.0.0.2"]]
    let asked = 0
    const lookup = async () => answers[Math.min(asked++, 1)] ?? []
    const egress = createEgress({ allow: parseAllowList(["127.0.0.1"]), lookup })
    const response = await egress.send({ url: `http://rebind.test:${server.port}/` })
    expect(await response.text()).toBe("ok")
    expect(asked).toBe(1)
    expect(server.requests[0]).toContain(`\r\nHost: rebind.test:${server.port}\r\n`)
    egress.close()
    expect(await codeOf(egress.send({ url: `http://rebind.test:${other.port}/` }))).toBe("url_not_allowed")
    expect([asked, other.connections]).toEqual([2, 0])
  })

  test("an address that refuses is followed by the next one", async () => {
    await using server = await rawServer()
    const response = await send(server, ["127.0.0.9", "127.0.0.1"], ["127.0.0.0/8"])
    expect(await response.text()).toBe("ok")
    expect(await codeOf(send(server, ["127.0.0.9"], ["127.0.0.0/8"]))).toBe("ECONNREFUSED")
  })

  test("failures of the resolver have the codes that callers retry by", async () => {
    const failing = (code: string) => async () => {
      throw Object.assign(new Error(`query for secret.test: ${code}`), { code })
    }
    const codes = ["ENOTFOUND", "DNS_ENOTFOUND", "ENODATA", "EAI_AGAIN", "ESERVFAIL", "ETIMEOUT"]
    const send = (code: string) =>
      createEgress({ allow: nothing, lookup: failing(code) }).send({ url: "http://a.test" })
    const seen = await Promise.all(codes.map((code) => codeOf(send(code))))
    expect(seen).toEqual(["ENOTFOUND", "ENOTFOUND", "ENOTFOUND", "EAI_AGAIN", "EAI_AGAIN", "EAI_AGAIN"])
    const empty = createEgress({ allow: nothing, lookup: async () => [] })
    expect(await codeOf(empty.send({ url: "http://a.test" }))).toBe("ENOTFOUND")
  })

  test("a failed lookup is asked again, a good one is shared", async () => {
    await using server = await rawServer()
    let asked = 0
    const lookup = (): Promise<string[]> => {
      if (++asked === 1) throw new Error("resolver is down")
      return Promise.resolve(["127.0.0.1"])
    }
    const egress = createEgress({ allow: loopback, lookup })
    const get = async () => (await egress.send({ url: `http://a.test:${server.port}/` })).text()
    expect(await codeOf(get())).toBe("EAI_AGAIN")
    expect(await Promise.all([get(), get(), get()])).toEqual(["ok", "ok", "ok"])
    expect(asked).toBe(2)
  })

  test("a lookup that hangs ends with the timeout or the signal", async () => {
    const egress = createEgress({ allow: nothing, lookup: () => new Promise(() => {}) })
    expect(await codeOf(egress.send({ url: "http://a.test", timeoutMs: 5 }))).toBe("ETIMEDOUT")
    const mine = new Error("mine")
    const failure = await failureOf(egress.send({ url: "http://a.test", signal: AbortSignal.abort(mine) }))
    expect(failure).toBe(mine)
  })
})

describe("our own address", () => {
  const cases: [listen: string, entries: string[], expected: string][] = [
    ["127.0.0.1", ["127.0.0.0/8"], "own address"],
    ["0.0.0.0", ["127.0.0.0/8"], "own address"],
    ["::", ["127.0.0.0/8"], "own address"],
    ["localhost", ["127.0.0.0/8"], "own address"],
    ["127.0.0.1", ["127.0.0.1"], "ok"],
    ["127.0.0.1", ["me.test"], "ok"],
    ["127.0.0.3", ["127.0.0.0/8"], "ok"],
  ]
  test.each(cases)("listening on %s with %p: %s", async (address, entries, expected) => {
    await using server = await rawServer()
    const own = () => [{ address, port: server.port }]
    const egress = createEgress({ allow: parseAllowList(entries), own, lookup: async () => ["127.0.0.1"] })
    const work = egress.send({ url: `http://me.test:${server.port}/` })
    if (expected === "ok") expect(await (await work).text()).toBe("ok")
    else expect((await failureOf(work)).message).toContain(expected)
  })

  test("another port of the same address is not ours, and a public address is", async () => {
    await using server = await rawServer()
    const own = () => [
      { address: "127.0.0.1", port: server.port + 1 },
      { address: "8.8.8.8", port: 443 },
    ]
    const egress = createEgress({ allow: loopback, own, lookup: async () => ["127.0.0.1"] })
    expect(await (await egress.send({ url: `http://me.test:${server.port}/` })).text()).toBe("ok")
    expect((await failureOf(egress.send({ url: "https://8.8.8.8/" }))).message).toContain("own address")
  })
})
