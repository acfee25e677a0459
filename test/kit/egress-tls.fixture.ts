import type { AddressInfo } from "node:net"
import tls from "node:tls"
import { parseAllowList } from "../../src/kit/address.ts"
import { createEgress } from "../../src/kit/fetch.ts"
import { address, authority, client, expired, names, stranger } from "./certificates.ts"
import { failureOf, proxyServer } from "./egress-servers.ts"

/**
 * Runs in a process of its own, because the CA of the tests is trusted through NODE_EXTRA_CA_CERTS, which is read at
 * start. Prints one JSON object: label → outcome.
 */
async function tlsServer(identity: { cert: string; key: string }, options: tls.TlsOptions = {}) {
  const state = { port: 0, connections: [] as string[], requests: 0 }
  const listener = tls.createServer({ ...identity, ...options }, (socket) => {
    const peer = String(socket.getPeerCertificate()?.subject?.CN ?? "")
    state.connections.push(`${socket.servername || "no name"}${peer ? ` by ${peer}` : ""}`)
    socket.on("error", () => socket.destroy())
    socket.on("data", (data) => {
      state.requests++
      const host = /host: (.*)\r\n/i.exec(data.toString())?.[1]?.replace(/:\d+$/, "") ?? "?"
      const away = /GET \/to-(\S+) /.exec(data.toString())?.[1]
      if (away) {
        socket.write(`HTTP/1.1 302 Found\r\nlocation: https://${away}/\r\ncontent-length: 0\r\n\r\n`)
        return
      }
      const body = `${host}${peer ? ` by ${peer}` : ""}`
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    })
  })
  listener.on("tlsClientError", () => {})
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve))
  state.port = (listener.address() as AddressInfo).port
  return state
}

const outcomes: Record<string, unknown> = {}
const allow = parseAllowList(["127.0.0.0/8"])
const egress = createEgress({ allow, lookup: async () => ["127.0.0.1"] })
const run = async (label: string, url: string, extra: object = {}, gate = egress) => {
  const work = gate.send({ url, ...extra }).then((response) => response.text())
  outcomes[label] = await work.catch((error: { code?: string; message: string }) => error.code ?? error.message)
}

const named = await tlsServer(names)
await run("right name", `https://a.test:${named.port}/`)
await run("right name again", `https://a.test:${named.port}/`)
await run("trailing dot", `https://a.test.:${named.port}/`)
await run("wrong name after a good one", `https://c.test:${named.port}/`)
await run("other right name", `https://b.test:${named.port}/`)
await run("wildcard name", `https://x.wild.test:${named.port}/`)
await run("wildcard does not cover two levels", `https://x.y.wild.test:${named.port}/`)
await run("address not in the certificate", `https://127.0.0.1:${named.port}/`)
await run("Host header does not choose the name", `https://c.test:${named.port}/`, { headers: { host: "a.test" } })
outcomes["connections of the names server"] = [...named.connections]
outcomes["requests of the names server"] = named.requests

const byAddress = await tlsServer(address)
await run("address in the certificate", `https://127.0.0.1:${byAddress.port}/`)
await run("pinned address in the certificate is not the name", `https://a.test:${byAddress.port}/`)
await run("stranger", `https://a.test:${(await tlsServer(stranger)).port}/`)
await run("expired", `https://a.test:${(await tlsServer(expired)).port}/`)

const mutual = await tlsServer(names, { requestCert: true, rejectUnauthorized: false, ca: authority })
await run("with a client certificate", `https://a.test:${mutual.port}/`, { tls: client })
await run("without one, on the same address", `https://a.test:${mutual.port}/`)
await run("with it again", `https://a.test:${mutual.port}/`, { tls: client })
const away = `https://a.test:${mutual.port}/to-b.test:${mutual.port}`
await run("redirected to another origin", away, { tls: client })
await run("the same with everything forwarded", away, { tls: client, forwardHeadersOnRedirect: true })
outcomes["connections of the mutual server"] = [...mutual.connections]

const proxy = await proxyServer(() => named.port)
const proxied = createEgress({ allow: parseAllowList([]), proxies: { https: `http://127.0.0.1:${proxy.port}` } })
await run("tunnel to the right name", "https://a.test/", {}, proxied)
await run("tunnel to the right name again", "https://a.test/", {}, proxied)
await run("tunnel to a wrong name", "https://c.test/", {}, proxied)
outcomes["tunnels"] = proxy.seen.map((head) => head.split("\r\n")[0])
const safeProxy = await proxyServer(() => named.port, address)
const https = `https://127.0.0.1:${safeProxy.port}`
await run("tunnel over TLS", "https://a.test/", {}, createEgress({ allow: parseAllowList([]), proxies: { https } }))
const falseProxy = await proxyServer(() => named.port, names)
const wrong = `https://127.0.0.1:${falseProxy.port}`
const misled = createEgress({ allow: parseAllowList([]), proxies: { https: wrong } })
await run("tunnel over TLS to a proxy of another name", "https://a.test/", {}, misled)

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"
await run("checks cannot be switched off from outside", `https://c.test:${named.port}/`)

const failure = await failureOf(egress.send({ url: `https://c.test:${named.port}/?key=hunter2` }))
outcomes["message"] = failure.message
process.stdout.write(JSON.stringify(outcomes))
process.exit(0)
