import { afterAll, describe, expect, test } from "bun:test"
import { EgressError } from "../../src/kit/egress-error.ts"
import { librariesIn } from "../../src/runner/libraries/load.ts"
import { makeZip } from "./archives.ts"
import { testRunner } from "./harness.ts"
import { action, errorOf, request, valueOf } from "./requests.ts"
import type { Answers } from "./requests.ts"
import { startSoapService } from "./soap-service.ts"

const runner = testRunner()
const service = startSoapService()
afterAll(() => service.stop())

/** The daemon's side: a real request. */
const answers: Answers = {
  "fetch.raw": async ({ url, method, headers, timeoutMs }, body) => {
    if (url.includes("refused")) throw new EgressError("url_not_allowed", "Requests to refused are not allowed.")
    const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
    const response = await fetch(url, { method, headers, body: body as string, signal }).catch(() => {
      throw new EgressError("ETIMEDOUT", "The request timed out.")
    })
    const { status, statusText } = response
    return {
      output: { status, statusText, url, headers: Object.fromEntries(response.headers) },
      body: await response.bytes(),
    }
  },
}
const run = (body: string, input?: unknown) =>
  runner.run(request(action(body), { answers, input: input === undefined ? undefined : JSON.stringify(input) }))

describe("soap", () => {
  const connect = `const soap = require("soap").default
    const client = await soap.createClientAsync(${JSON.stringify(service.wsdl)})
    client.setEndpoint(${JSON.stringify(`${service.url}/v2/staff`)})`

  test("a client from a WSDL, with an endpoint, a security header and an HTTP header of its own", async () => {
    const outcome = await run(`${connect}
      const { security } = require("soap")
      client.setSecurity(new security.WSSecurity("user@tenant", "p<w>", { hasTimeStamp: false }))
      client.addHttpHeader("X-Tenant", "acme")
      const [result, raw, header, sent] = await client.GetWorkersAsync({ Page: 1, Name: "a & b" })
      return [result.Total, result.Worker.map((w) => [w.Id, w.Active, w.Since instanceof Date]), typeof raw, sent.includes("UsernameToken"), Object.keys(client.describe())]`)
    expect(valueOf(outcome)).toEqual([
      2,
      [
        ["w1", true, true],
        ["w&2", false, true],
      ],
      "string",
      true,
      ["Staff"],
    ])
    const call = service.calls.at(-1)
    expect(call?.path).toBe("/v2/staff")
    expect(call?.headers.get("x-tenant")).toBe("acme")
    expect(call?.headers.get("soapaction")).toBe('"urn:staff/GetWorkers"')
    expect(call?.headers.get("content-type")).toBe("text/xml; charset=utf-8")
    expect(call?.body).toContain("<wsse:Username>user@tenant</wsse:Username>")
    expect(call?.body).toContain("p&lt;w&gt;</wsse:Password>")
    expect(call?.body).toContain("<Name>a &amp; b</Name>")
  })

  test("the named and the default members are the same things", async () => {
    const names = ["createClient", "createClientAsync", "WSSecurity", "BasicAuthSecurity", "BearerSecurity", "WSDL"]
    const outcome = await run(`const soap = require("soap")
      return [${JSON.stringify(names)}.every((name) => typeof soap[name] === "function" && soap[name] === soap.default[name]), soap.security.WSSecurity === soap.WSSecurity]`)
    expect(valueOf(outcome)).toEqual([true, true])
  })

  test("a password digest, a callback instead of a promise, and a bearer token", async () => {
    const outcome = await run(`${connect}
      client.setSecurity(new soap.WSSecurity("u", "p", { passwordType: "PasswordDigest" }))
      const total = await new Promise((resolve, reject) => client.GetWorkers({ Page: 1 }, (error, result) => error ? reject(error) : resolve(result.Total)))
      client.setSecurity(new soap.BearerSecurity("token")); await client.GetWorkersAsync({ Page: 2 })
      return total`)
    expect(valueOf(outcome)).toBe(2)
    expect(service.calls.at(-2)?.body).toContain("#PasswordDigest")
    expect(service.calls.at(-2)?.body).toContain("wsse:Nonce")
    expect(service.calls.at(-1)?.headers.get("authorization")).toBe("Bearer token")
  })

  test("a fault, another status, a WSDL that is not there and a refused host each say what they are", async () => {
    const outcome = await run(`${connect}
      const tell = (work) => work.then(() => "no error", (e) => [e.message, e.code ?? null, e.response?.status ?? null])
      const fault = await tell(client.GetWorkersAsync({ Page: 99 }))
      client.setEndpoint("${service.url}/moved-away")
      const gone = await tell(client.GetWorkersAsync({ Page: 1 }))
      return [fault, gone, await tell(soap.createClientAsync("${service.url}/nothing")), await tell(soap.createClientAsync("http://refused/x?wsdl")), await tell(soap.createClientAsync("/etc/passwd"))]`)
    const [fault, gone, missing, refused, file] = valueOf(outcome)
    expect(fault).toEqual(["env:Client: Page too large", null, 500])
    expect(gone[2]).toBe(410)
    expect(missing[0]).toContain("Code: 410")
    expect(refused).toEqual(["Requests to refused are not allowed.", "url_not_allowed", null])
    expect(file[0]).toBe("Reading files is not available in functions")
  })

  test("a call's own time limit", async () => {
    const outcome = await run(`${connect}
      client.setEndpoint("${service.url}/slow")
      return await client.GetWorkersAsync({ Page: 1 }, { timeout: 50 }).catch((e) => e.code)`)
    expect(valueOf(outcome)).toBe("ETIMEDOUT")
  })
})

describe("unzipper", () => {
  const long = "line of text\n".repeat(20_000)
  const zip = makeZip([
    { name: "folder/", text: "", stored: true },
    { name: "folder/long.txt", text: long },
    { name: "ünïcode.csv", text: "a,b\n1,2\n", stored: true },
  ])
  const archive = zip.toString("base64")

  test("an archive in memory: names, kinds, sizes, bytes", async () => {
    const outcome = await run(
      `const unzipper = require("unzipper").default
      const directory = await unzipper.Open.buffer(Buffer.from(input.zip, "base64"))
      const files = directory.files.filter((file) => file.type === "File")
      const texts = await Promise.all(files.map(async (file) => (await file.buffer()).toString("utf8")))
      return [directory.files.map((f) => [f.path, f.type, f.uncompressedSize]), texts.map((t) => [t.length, t.slice(0, 7)]), Buffer.isBuffer(await files[0].buffer())]`,
      { zip: archive },
    )
    expect(valueOf(outcome)).toEqual([
      [
        ["folder/", "Directory", 0],
        ["folder/long.txt", "File", long.length],
        ["ünïcode.csv", "File", 8],
      ],
      [
        [long.length, "line of"],
        [8, "a,b\n1,2"],
      ],
      true,
    ])
  })

  test("as a stream, entry by entry", async () => {
    const outcome = await run(
      `const { Parse } = require("unzipper"); const seen = []; const parse = Parse()
      parse.on("entry", async (entry) => { entry.type === "File" ? seen.push([entry.path, (await entry.buffer()).length]) : entry.autodrain() })
      parse.end(Buffer.from(input.zip, "base64")); await parse.promise(); return seen`,
      { zip: archive },
    )
    expect(valueOf(outcome)).toEqual([
      ["folder/long.txt", long.length],
      ["ünïcode.csv", 8],
    ])
  })

  test("what is no archive, a broken entry and files on the disk fail by name", async () => {
    const broken = Buffer.from(zip)
    broken.fill(0xff, zip.indexOf("long.txt") + 8, zip.indexOf("long.txt") + 40)
    const outcome = await run(
      `const { Open } = require("unzipper"); const tell = (work) => Promise.resolve().then(work).then(() => "no error", (e) => e.message)
      return [await tell(() => Open.buffer(Buffer.from("not a zip at all"))), await tell(async () => (await Open.buffer(Buffer.from(input.zip, "base64"))).files[1].buffer()), await tell(() => Open.file("/etc/passwd"))]`,
      { zip: broken.toString("base64") },
    )
    const [text, entry, file] = valueOf(outcome)
    expect(text).toBe("FILE_ENDED")
    expect(entry).not.toBe("no error")
    expect(file).toBe("Reading files is not available in functions")
  })
})

test("an archive that unpacks into more than the run may use ends the run by its name", async () => {
  const bomb = makeZip([{ name: "zeros", text: "\0".repeat(250 * 1024 * 1024) }]).toString("base64")
  const code = action(`const { Open } = require("unzipper")
    const { files } = await Open.buffer(Buffer.from(input, "base64")); return (await files[0].buffer()).length`)
  const limits = { memoryBytes: 160 * 1024 * 1024 }
  const outcome = await runner.run(request(code, { input: JSON.stringify(bomb), limits }))
  expect(errorOf(outcome).type).toBe("function_runtime_out_of_memory")
})

test("libraries are given only to code that requires them", async () => {
  expect(librariesIn(`var a = require("soap")`)).toEqual(["soap"])
  expect(librariesIn(`__toESM(require('unzipper')); require("zod")`)).toEqual(["unzipper"])
  expect(librariesIn(`const soap = "soap"; require("soapy")`)).toEqual([])
  const hidden = await run(`const name = "so" + "ap"; return require(name)`)
  expect(errorOf(hidden).message).toContain('Import of "soap" is not allowed')
})
