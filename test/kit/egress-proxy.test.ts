import { describe, expect, test } from "bun:test"
import { parseAllowList } from "../../src/kit/address.ts"
import { createEgress } from "../../src/kit/fetch.ts"
import { codeOf, proxyServer, rawServer } from "./egress-servers.ts"

const nothing = parseAllowList([])
const loopback = parseAllowList(["127.0.0.0/8"])

describe("proxies", () => {
  test("names go to the proxy unresolved, with its credentials and not the caller's", async () => {
    await using server = await rawServer()
    await using proxy = await proxyServer(() => server.port)
    const lookup = async () => {
      throw new Error("the proxy resolves")
    }
    const http = `http://user:pass@127.0.0.1:${proxy.port}`
    const egress = createEgress({ allow: nothing, lookup, proxies: { http } })
    const headers = { "proxy-authorization": "Basic stolen" }
    const response = await egress.send({ url: "http://api.test/x?y=1", headers })
    expect(await response.text()).toBe("ok")
    expect(proxy.seen[0]).toStartWith("GET http://api.test/x?y=1 HTTP/1.1\r\n")
    expect(proxy.seen[0]).toContain(btoa("user:pass"))
    expect(proxy.seen[0]).not.toContain("stolen")
  })

  test.each([
    "127.0.0.1",
    "localhost",
    "a.localhost",
    "169.254.169.254",
    "[::1]",
    "metadata.google.internal",
    "10.0.0.1",
  ])("%s is refused before the proxy hears of it", async (host) => {
    await using proxy = await proxyServer(() => 1)
    const http = `http://127.0.0.1:${proxy.port}`
    const egress = createEgress({ allow: nothing, proxies: { http, https: http } })
    expect(await codeOf(egress.send({ url: `http://${host}/` }))).toBe("url_not_allowed")
    expect(await codeOf(egress.send({ url: `https://${host}/` }))).toBe("url_not_allowed")
    expect(proxy.seen).toEqual([])
  })

  test("NO_PROXY goes direct, and is checked as everything else", async () => {
    await using server = await rawServer()
    await using proxy = await proxyServer(() => server.port)
    const http = `http://127.0.0.1:${proxy.port}`
    const no = `a.test, .b.test, *.c.test, d.test:${server.port}, e.test:1, 127.0.0.0/8`
    const egress = createEgress({ allow: loopback, lookup: async () => ["127.0.0.1"], proxies: { http, no } })
    for (const host of ["a.test", "x.a.test", "x.b.test", "b.test", "x.c.test", "d.test", "127.0.0.5"]) {
      const target = host === "127.0.0.5" ? "127.0.0.1" : host
      await (await egress.send({ url: `http://${target}:${server.port}/` })).text()
    }
    expect(proxy.seen).toEqual([])
    for (const host of ["e.test", "xa.test"])
      await (await egress.send({ url: `http://${host}:${server.port}/` })).text()
    expect(proxy.seen).toHaveLength(2)
    const closed = createEgress({ allow: nothing, lookup: async () => ["127.0.0.1"], proxies: { http, no: "*" } })
    expect(await codeOf(closed.send({ url: `http://a.test:${server.port}/` }))).toBe("url_not_allowed")
  })

  test("the environment's proxy is not used by itself", async () => {
    await using server = await rawServer()
    await using proxy = await proxyServer(() => server.port)
    const before = process.env.HTTP_PROXY
    process.env.HTTP_PROXY = `http://127.0.0.1:${proxy.port}`
    try {
      const egress = createEgress({ allow: loopback })
      expect(await (await egress.send({ url: `http://127.0.0.1:${server.port}/` })).text()).toBe("ok")
      expect(proxy.seen).toEqual([])
    } finally {
      if (before === undefined) delete process.env.HTTP_PROXY
      else process.env.HTTP_PROXY = before
    }
  })

  test("a proxy that is no URL is refused without quoting it", () => {
    for (const https of ["socks5://u:secret@h:1", "http://", "http://u:secret@:80"]) {
      const make = () => createEgress({ allow: nothing, proxies: { https } })
      expect(make).toThrow("HTTPS_PROXY is not an http or https URL.")
    }
  })
})
