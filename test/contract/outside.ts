import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { type FakeProvider, startFakeProvider } from "../../src/fake-provider/server.ts"
import type { FakeProviderOptions } from "../../src/fake-provider/model.ts"
import { temporaryFolder } from "../helpers/sluice.ts"
import { authority, outside } from "./outside-certificates.ts"

/** One request that the daemon sent to a provider, as the provider sees it. */
export type Asked = { method: string; url: URL; headers: Record<string, string>; body: string }
type Reply = Response | undefined | Promise<Response | undefined>

/** A provider of the real world: which hosts are its own, how its OAuth server is set up, and what it does its own way. */
export type Actor = {
  hosts: RegExp
  oauth?: FakeProviderOptions["oauth"]
  /** Path of its token endpoint. */
  token?: string
  /** What its token answers hold beside the standard. */
  tokenMore?: (body: Record<string, unknown>) => Record<string, unknown>
  /** The rest of its API; undefined is 404. */
  answer: (asked: Asked) => Reply
}

export type Outside = {
  /** The environment of a daemon that reaches this world. */
  env: Record<string, string>
  asked: Asked[]
  /** What a person's browser does at the provider's consent page: where it is sent back to. */
  allow: (name: string, authorizeUrl: URL) => Promise<URL>
  stop: () => Promise<void>
}

/**
 * Stands for the Internet: the daemon reaches it through an HTTP proxy and TLS, by the providers' real names. Whatever
 * OAuth has to do with is the fake provider's.
 */
export async function startOutside(actors: Record<string, Actor>): Promise<Outside> {
  const fakes = new Map<string, FakeProvider>()
  for (const [name, { oauth }] of Object.entries(actors)) fakes.set(name, await startFakeProvider({ oauth }))
  const fakeOf = (name: string) => fakes.get(name) as FakeProvider
  const asked: Asked[] = []
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: outside,
    async fetch(request) {
      const url = new URL(request.url)
      url.host = request.headers.get("host") ?? url.host
      const found = Object.entries(actors).find(([, { hosts }]) => hosts.test(url.hostname))
      const body = await request.text()
      const one = { method: request.method, url, headers: Object.fromEntries(request.headers), body }
      asked.push(one)
      if (!found) return new Response("There is no such host.", { status: 502 })
      const [name, actor] = found
      if (url.pathname === actor.token) return giveToken(fakeOf(name), actor, one)
      return (await actor.answer(one)) ?? new Response(`No ${one.method} ${url.pathname}`, { status: 404 })
    },
  })
  const proxy = createServer().on("connect", (_request, socket, head) => {
    const tunnel = connect(server.port ?? 0, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n")
      tunnel.write(head)
      tunnel.pipe(socket).pipe(tunnel)
    })
    for (const end of [tunnel, socket]) end.on("error", () => end.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
  const ca = join(temporaryFolder("outside"), "ca.pem")
  writeFileSync(ca, authority)
  const { port } = proxy.address() as { port: number }
  return {
    env: { HTTPS_PROXY: `http://127.0.0.1:${port}`, NODE_EXTRA_CA_CERTS: ca },
    asked,
    async allow(name, { search }) {
      const answer = await fetch(`${fakeOf(name).url}/oauth/authorize${search}&auto=1`, { redirect: "manual" })
      const back = answer.headers.get("location")
      if (!back) throw new Error(await answer.text())
      return new URL(back)
    },
    async stop() {
      proxy.closeAllConnections()
      proxy.close()
      await server.stop(true)
      for (const fake of fakes.values()) await fake.stop()
    },
  }
}

async function giveToken(fake: FakeProvider, { tokenMore }: Actor, { headers, body }: Asked): Promise<Response> {
  const kept = ["content-type", "authorization", "accept"].flatMap((name) =>
    headers[name] ? [[name, headers[name]]] : [],
  )
  const answer = await fetch(`${fake.url}/oauth/token`, { method: "POST", headers: Object.fromEntries(kept), body })
  const given = (await answer.json()) as Record<string, unknown>
  const isGood = answer.ok && given.ok !== false
  return Response.json(isGood ? { ...given, ...tokenMore?.(given) } : given, { status: answer.status })
}
