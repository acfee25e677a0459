import { Script } from "node:vm"
import type { LibraryHost } from "../libraries/host.ts"
import type { Channel } from "./channel.ts"
import type { GuestRealm } from "./globals.ts"
import { textHeaders } from "./request.ts"

type Wrapper = (module: { exports: unknown }, exports: unknown, require: unknown, process: unknown) => void

/**
 * Runs a library's CommonJS text inside the function's realm, so that it has exactly the powers that the function has;
 * what it needs beyond them is the few members of `LibraryHost`.
 */
export function evaluateLibrary(
  name: string,
  text: string,
  given: { realm: GuestRealm; channel: Channel; require: (name: unknown) => unknown },
): unknown {
  const { realm, channel, require } = given
  const host = createHost(channel)
  const script = new Script(`(function (module, exports, require, process) {${text}\n})`, { filename: `${name}.js` })
  const wrapper = script.runInContext(realm.context) as Wrapper
  const module = realm.parse('{"exports":{}}') as { exports: unknown }
  // The realm's own: what a callback throws ends the run by its name.
  const { queueMicrotask } = realm.context as { queueMicrotask: (act: () => void) => void }
  const nextTick = (act: (...args: unknown[]) => void, ...args: unknown[]) => queueMicrotask(() => act(...args))
  const process = { nextTick, env: {}, argv: [], version: "v22.0.0", versions: {}, browser: true, cwd: () => "/" }
  const requireOwn = (asked: unknown) => (asked === "sluice:host" ? host : require(asked))
  wrapper(module, module.exports, requireOwn, process)
  return module.exports
}

function createHost(channel: Channel): LibraryHost {
  return {
    async send({ url, method, headers, body, timeoutMs }) {
      const input = { url: String(url), method, headers: textHeaders(headers), timeoutMs }
      const answer = await channel.call("fetch.raw", input, body ?? undefined)
      const head = answer.output as {
        status: number
        statusText?: string
        headers: Record<string, string>
        url: string
      }
      const bytes = typeof answer.body === "string" ? Buffer.from(answer.body) : (answer.body ?? new Uint8Array())
      return { ...head, statusText: head.statusText ?? "", body: bytes }
    },
    inflateRaw: (data) => Bun.inflateSync(new Uint8Array(data)),
    gzip: (data) => Bun.gzipSync(new Uint8Array(data)),
  }
}
