import { describe, expect, test } from "bun:test"
import { brotliDecompressSync } from "node:zlib"
import { loadConfig } from "../../src/app/config.ts"
import { connectUiSettings } from "../../src/pages/settings.ts"
import { type TestApp, testApp } from "../helpers/app.ts"

const get = (app: TestApp, path: string, headers: Record<string, string> = {}) =>
  app.send(new Request(`http://localhost:3003${path}`, { headers }))

describe("the Connect page over HTTP", () => {
  test("the page is whole, guarded, and may be framed by any page", async () => {
    await using app = await testApp()
    const answer = await get(app, "/connect/")
    expect(answer.status).toBe(200)
    const { headers } = answer
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8")
    expect(headers.get("cache-control")).toBe("no-cache")
    expect(headers.get("referrer-policy")).toBe("no-referrer")
    expect(headers.get("x-content-type-options")).toBe("nosniff")
    expect(headers.get("x-frame-options")).toBeNull()
    expect(headers.get("content-security-policy")?.split("; ")).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "connect-src 'self' ws://localhost:3003",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors *",
    ])
    const html = await answer.text()
    expect(html).not.toMatch(/<script(?![^>]* src=)|style=| on\w+=|https?:/)
    const files = [...html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map((match) => match[1] ?? "")
    expect(files).toHaveLength(2)
    for (const file of files) expect((await get(app, `/connect/${file}`)).status).toBe(200)
  })

  test("the root leads there whoever came for the page, with the query, and nobody else", async () => {
    await using app = await testApp()
    for (const query of ["?apiURL=http%3A%2F%2Flocalhost%3A3003&lang=de", "?session_token=x"]) {
      const answer = await get(app, `/${query}`)
      expect([answer.status, answer.headers.get("location")]).toEqual([302, `connect/${query}`])
      expect(answer.headers.get("referrer-policy")).toBe("no-referrer")
    }
    expect((await get(app, "/")).status).toBe(404)
  })

  test("files are small, compressed for whoever takes it, and kept for good", async () => {
    await using app = await testApp()
    const html = await (await get(app, "/connect/")).text()
    let total = 0
    for (const [, file = ""] of html.matchAll(/"(assets\/[^"]+)"/g)) {
      const plain = await get(app, `/connect/${file}`, { "accept-encoding": "gzip, br;q=0" })
      const small = await get(app, `/connect/${file}`, { "accept-encoding": "gzip, deflate, br, zstd" })
      expect(plain.headers.get("content-encoding")).toBeNull()
      expect(small.headers.get("content-encoding")).toBe("br")
      expect(small.headers.get("vary")).toBe("accept-encoding")
      expect(small.headers.get("cache-control")).toBe("public, max-age=31536000, immutable")
      expect(small.headers.get("content-type")).toMatch(/^text\/(javascript|css); charset=utf-8$/)
      const bytes = Buffer.from(await small.arrayBuffer())
      total += bytes.length
      expect(brotliDecompressSync(bytes).toString()).toBe(await plain.text())
    }
    expect(total).toBeLessThan(60_000)
  })

  test("a page that is known is not sent again", async () => {
    await using app = await testApp()
    const etag = (await get(app, "/connect/")).headers.get("etag") ?? ""
    const again = await get(app, "/connect/", { "if-none-match": etag })
    expect(again.status).toBe(304)
    expect(await again.text()).toBe("")
    expect(again.headers.get("content-security-policy")).toContain("default-src 'none'")
    expect((await get(app, "/connect/", { "if-none-match": 'W/"0"' })).status).toBe(200)
  })

  test.each([
    ["/connect", "connect/"],
    ["/connect?session_token=t&lang=de", "connect/?session_token=t&lang=de"],
    ["/Connect?x=1", "connect/?x=1"],
  ])("%s goes on to %s, also below a path of a proxy", async (path, location) => {
    await using app = await testApp()
    const answer = await get(app, path)
    expect(answer.status).toBe(302)
    expect(answer.headers.get("location")).toBe(location)
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer")
  })

  test.each(["..%2findex.html", "nothing-0.js", "%2e%2e%2f%2e%2e%2fcatalogue.json", "connect.br"])(
    "there is no asset %s",
    async (file) => {
      await using app = await testApp()
      const answer = await get(app, `/connect/assets/${file}`)
      expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: "not_found" } }])
    },
  )

  test("answers of the API may still not be framed", async () => {
    await using app = await testApp()
    const { headers } = await get(app, "/connect/session")
    expect(headers.get("x-frame-options")).toBe("SAMEORIGIN")
    expect(headers.get("referrer-policy")).toBe("strict-origin")
  })
})

describe("the operator's settings", () => {
  const read = (env: Record<string, string>) => loadConfig({ flags: {}, env })

  test("without any the page looks as documented", () => {
    expect(connectUiSettings({ config: read({}) })).toEqual({
      showWatermark: true,
      defaultTheme: "system",
      theme: { light: { primary: "#00B2E3" }, dark: { primary: "#00B2E3" } },
    })
  })

  test("logo, colours, theme and mark are the operator's", async () => {
    const env = {
      SLUICE_CONNECT_LOGO_URL: "https://cdn.example.com/logo.svg",
      SLUICE_CONNECT_PRIMARY_COLOR: "#112233",
      SLUICE_CONNECT_PRIMARY_COLOR_DARK: "#ddeeff",
      SLUICE_CONNECT_DEFAULT_THEME: "dark",
      SLUICE_CONNECT_SHOW_WATERMARK: "false",
    }
    expect(connectUiSettings({ config: read(env) })).toEqual({
      showWatermark: false,
      defaultTheme: "dark",
      theme: { light: { primary: "#112233" }, dark: { primary: "#ddeeff" } },
      logo_url: "https://cdn.example.com/logo.svg",
    })
    await using app = await testApp({ env })
    const policy = (await get(app, "/connect/")).headers.get("content-security-policy")
    expect(policy).toContain("img-src 'self' data: https://cdn.example.com;")
  })

  test("who may frame the page, and nothing that would end the directive", async () => {
    const ancestors = "https://app.example.com, self,https://*.example.org:8443"
    await using app = await testApp({ env: { SLUICE_CONNECT_FRAME_ANCESTORS: ancestors } })
    const policy = (await get(app, "/connect/")).headers.get("content-security-policy") ?? ""
    expect(policy).toEndWith("frame-ancestors https://app.example.com 'self' https://*.example.org:8443")
    for (const wrong of ["https://a.example; script-src *", "app.example.com", "javascript:alert(1)"]) {
      expect(() => read({ SLUICE_CONNECT_FRAME_ANCESTORS: wrong })).toThrow(
        "SLUICE_CONNECT_FRAME_ANCESTORS: Not an origin",
      )
    }
  })
})
