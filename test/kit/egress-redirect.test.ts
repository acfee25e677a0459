import { describe, expect, test } from "bun:test"
import { parseAllowList } from "../../src/kit/address.ts"
import { createEgress, finalUrlOf } from "../../src/kit/fetch.ts"
import { codeOf, ok, rawServer, redirectTo } from "./egress-servers.ts"

const lookup = async () => ["127.0.0.1"]
const makeEgress = () => createEgress({ allow: parseAllowList(["127.0.0.0/8"]), lookup })
const SECRETS = {
  authorization: "Bearer s1",
  cookie: "s2",
  "x-api-key": "s3",
  "x-custom": "s4",
  accept: "text/plain",
  "user-agent": "me/1",
}

describe("redirects", () => {
  /** Sends to `a.test`, which redirects to the second server, and gives what that one saw. */
  const follow = async (status: number, request: object, location = (port: number) => `http://b.test:${port}/to`) => {
    await using second = await rawServer()
    await using first = await rawServer(redirectTo(location(second.port), status))
    const url = `http://a.test:${first.port}/from`
    const response = await makeEgress().send({ url, headers: SECRETS, ...request })
    expect(await response.text()).toBe("ok")
    return { seen: second.requests[0] ?? "", response }
  }

  test("another origin gets no header that could be a credential", async () => {
    const { seen, response } = await follow(302, {})
    expect(seen).not.toMatch(/\bs[1-4]\b/)
    expect(seen).toContain("\r\nAccept: text/plain\r\n")
    expect(seen).toContain("\r\nUser-Agent: me/1\r\n")
    expect(finalUrlOf(response)).toMatch(/^http:\/\/b\.test:\d+\/to$/)
    const otherPort = await follow(302, {}, (port) => `http://a.test:${port}/to`)
    expect(otherPort.seen).not.toMatch(/\bs[1-4]\b/)
  })

  test("a trailing dot in Location is the same host", async () => {
    const { seen } = await follow(302, {}, (port) => `http://b.test.:${port}/to`)
    expect(seen).toMatch(/\r\nHost: b\.test:\d+\r\n/)
  })

  test("another origin gets everything when the caller says so", async () => {
    const { seen } = await follow(302, { forwardHeadersOnRedirect: true })
    expect(["s1", "s2", "s3", "s4"].filter((secret) => !seen.includes(secret))).toEqual([])
  })

  test("the same origin keeps headers, and coming back does not bring them back", async () => {
    await using away = await rawServer((_request, socket) => redirectTo(`http://a.test:${home.port}/3`)("", socket))
    await using home = await rawServer((request, socket) => {
      if (request.startsWith("GET /1")) redirectTo("/2")(request, socket)
      else if (request.startsWith("GET /2")) redirectTo(`http://b.test:${away.port}/`)(request, socket)
      else ok(request, socket)
    })
    await (await makeEgress().send({ url: `http://a.test:${home.port}/1`, headers: SECRETS })).text()
    expect(home.requests.map((request) => request.includes("x-api-key"))).toEqual([true, true, false])
  })

  const methods: [status: number, method: string, expected: string, keepsBody: boolean][] = [
    [303, "POST", "GET", false],
    [303, "PUT", "GET", false],
    [302, "POST", "GET", false],
    [301, "POST", "GET", false],
    [302, "PUT", "PUT", true],
    [307, "POST", "POST", true],
    [308, "PATCH", "PATCH", true],
  ]
  test.each(methods)("%d turns %s into %s", async (status, method, expected, keepsBody) => {
    const { seen } = await follow(status, { method, body: "b0dy", headers: { "content-type": "text/x" } })
    expect(seen).toStartWith(`${expected} /to `)
    expect(seen.includes("b0dy")).toBe(keepsBody)
    expect(seen.includes("text/x")).toBe(keepsBody)
  })

  test("a stream cannot be sent twice", async () => {
    const stream = () => new Blob(["b0dy"]).stream()
    expect(await codeOf(follow(307, { method: "POST", body: stream() }))).toBe("invalid_redirect")
    const { seen } = await follow(303, { method: "POST", body: stream() })
    expect(seen).toStartWith("GET /to ")
  })

  const denied: [location: string, code: string][] = [
    ["http://10.0.0.1/", "proxy_redirect_to_denied_host"],
    ["http://169.254.169.254/latest/meta-data/", "proxy_redirect_to_denied_host"],
    ["http://[::1]/", "proxy_redirect_to_denied_host"],
    ["http://0x0a000001/", "proxy_redirect_to_denied_host"],
    ["//metadata.google.internal/", "proxy_redirect_to_denied_host"],
    ["file:///etc/passwd", "invalid_redirect"],
    ["ftp://a.test/", "invalid_redirect"],
    ["http://", "invalid_redirect"],
    ["http://u:p@b.test/", "invalid_redirect"],
  ]
  test.each(denied)("to %s fails with %s", async (location, code) => {
    await using server = await rawServer(redirectTo(location))
    expect(await codeOf(makeEgress().send({ url: `http://a.test:${server.port}/` }))).toBe(code)
  })

  test("five are followed, six are too many", async () => {
    await using server = await rawServer((request, socket) => {
      const left = Number(/^GET \/(\d+)/.exec(request)?.[1])
      if (left === 0) ok(request, socket)
      else redirectTo(`/${left - 1}`)(request, socket)
    })
    const send = (path: number, maxRedirects?: number) =>
      makeEgress().send({ url: `http://a.test:${server.port}/${path}`, maxRedirects })
    expect(finalUrlOf(await send(5))).toEndWith("/0")
    expect(await codeOf(send(6))).toBe("too_many_redirects")
    expect(await codeOf(send(1, 0))).toBe("too_many_redirects")
  })

  test("without Location, or on demand, the redirect itself is the answer", async () => {
    await using bare = await rawServer((_request, socket) =>
      socket.write("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n"),
    )
    expect((await makeEgress().send({ url: `http://a.test:${bare.port}/` })).status).toBe(302)
    await using server = await rawServer(redirectTo("http://10.0.0.1/"))
    const response = await makeEgress().send({ url: `http://a.test:${server.port}/`, redirect: "manual" })
    expect([response.status, response.headers.get("location")]).toEqual([302, "http://10.0.0.1/"])
  })

  test("the timeout covers the whole chain", async () => {
    await using mute = await rawServer(() => {})
    await using server = await rawServer(redirectTo(`http://b.test:${mute.port}/`))
    expect(await codeOf(makeEgress().send({ url: `http://a.test:${server.port}/`, timeoutMs: 100 }))).toBe("ETIMEDOUT")
    await mute.untilClosed(1)
  })
})
