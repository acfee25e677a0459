import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { startFakeProvider } from "../../src/fake-provider/server.ts"
import { type Answer, startSluice, temporaryFolder } from "../helpers/sluice.ts"

export const apiKey = "fake-key-123"

/** Ways in which a provider's entry takes the key; each is a provider and an integration of this name. */
const entries: Record<string, string> = {
  fake: `headers:
    authorization: Bearer \${apiKey}
  retry:
    after: retry-after`,
  "in-query": `query:
    api_key: \${apiKey}`,
  "in-body": `body:
    secret_key: \${apiKey}`,
  signed: `headers:
    x-signature: \${hmacSha1Hex(\${bodyCanonicalParams},\${apiKey})}`,
  agent: `headers:
    user-agent: the-provider-wants-this
    accept: text/csv`,
}

const entry = (url: string, proxy: string) => `display_name: Fake
docs: https://example.com
auth_mode: API_KEY
credentials:
  apiKey:
    type: string
    title: API key
    description: Any text will do.
proxy:
  base_url: ${url}
  ${proxy}
`

const renewed = (url: string) => `display_name: Fake
docs: https://example.com
auth_mode: OAUTH2
authorization_url: ${url}/oauth/authorize
token_url: ${url}/oauth/token
proxy:
  base_url: ${url}
`

/** A daemon with a fake provider behind every integration of `entries`, and the connection `c1` on each. */
export async function startWorld(env: Record<string, string> = {}) {
  const fake = await startFakeProvider()
  const folder = temporaryFolder("providers")
  writeFileSync(join(folder, "renewed.yaml"), renewed(fake.url))
  for (const [name, proxy] of Object.entries(entries))
    writeFileSync(join(folder, `${name}.yaml`), entry(fake.url, proxy))
  const sluice = await startSluice({ env: { SLUICE_PROVIDERS: folder, SLUICE_EGRESS_ALLOW: "127.0.0.0/8", ...env } })
  const must = async (path: string, body: object) => {
    const answer = await sluice.call("POST", path, { body })
    if (answer.status > 299) throw new Error(answer.text)
  }
  for (const name of Object.keys(entries)) {
    await must("/integrations", { provider: name, unique_key: name })
    await must("/connections", {
      provider_config_key: name,
      connection_id: "c1",
      credentials: { type: "API_KEY", apiKey },
    })
  }
  const headers = (key = "fake"): Record<string, string> => ({
    authorization: `Bearer ${sluice.key}`,
    "provider-config-key": key,
    "connection-id": "c1",
  })
  return {
    fake,
    sluice,
    headers,
    /** One request through the gateway; `body` goes out as it is. */
    pass: (path: string, init: RequestInit & { key?: string } = {}) =>
      fetch(`${sluice.url}/proxy${path}`, {
        ...init,
        headers: { ...headers(init.key), ...(init.headers as Record<string, string>) },
      }),
    /** What the provider saw of a request that it echoes. */
    async echo(init: RequestInit & { key?: string; path?: string } = {}): Promise<Echo> {
      const answer = await this.pass(init.path ?? "/echo", init)
      const text = await answer.text()
      if (answer.status !== 200) throw new Error(`${answer.status} ${text}`)
      return JSON.parse(text)
    },
    async [Symbol.asyncDispose]() {
      await sluice.stop()
      await fake.stop()
    },
  }
}
export type World = Awaited<ReturnType<typeof startWorld>>
export type Echo = {
  method: string
  path: string
  query: Record<string, unknown>
  headers: Record<string, string>
  body: string
  bodyEncoding: string
}

export const codeOf = (answer: Answer): [number, string] => [answer.status, answer.body?.error?.code]

export const jsonOf = async (answer: Response): Promise<any> => answer.json()

export type Wire = {
  /** All that came until now. */
  text: () => string
  write: (text: string) => void
  /** Resolves when the text has come. */
  seen: (part: string) => Promise<void>
  /** Resolves with all that came when the other side has closed. */
  closed: Promise<string>
  /** Goes away without a word. */
  leave: () => void
}

/** A connection on which a test writes HTTP itself: `fetch` would tidy up. */
export async function openWire(port: number): Promise<Wire> {
  let text = ""
  const closed = Promise.withResolvers<string>()
  const waiting = new Set<() => void>()
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_socket, chunk) {
        text += chunk.toString("latin1")
        for (const look of waiting) look()
      },
      close: () => closed.resolve(text),
      error: (_socket, error) => closed.reject(error),
    },
  })
  const seen = (part: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!text.includes(part)) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return {
    text: () => text,
    write: (part) => void socket.write(part),
    seen,
    closed: closed.promise,
    leave: () => socket.terminate(),
  }
}

/** The head of a request as text, for a wire. */
export const head = (line: string, headers: Record<string, string>): string =>
  `${line} HTTP/1.1\r\nhost: 127.0.0.1\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`

export type Upstream = { url: string; port: number; stop: () => void }
type Conversation = {
  text: () => string
  write: (part: string) => number
  end: () => void
  /** Resolves when the request so far contains the text. */
  seen: (part: string) => Promise<void>
  closed: Promise<void>
}

/** A provider that a test plays itself, byte by byte: `play` runs once for each connection. */
export function playUpstream(play: (conversation: Conversation) => void | Promise<void>): Upstream {
  type State = { text: string; waiting: Set<() => void>; closed: () => void }
  const listener = Bun.listen<State>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        const closed = Promise.withResolvers<void>()
        const state: State = { text: "", waiting: new Set(), closed: closed.resolve }
        socket.data = state
        const seen = (part: string) =>
          new Promise<void>((resolve) => {
            const look = () => void (state.text.includes(part) && resolve())
            state.waiting.add(look)
            look()
          })
        void play({
          text: () => state.text,
          write: (part) => socket.write(part),
          end: () => void socket.end(),
          seen,
          closed: closed.promise,
        })
      },
      data(socket, chunk) {
        socket.data.text += chunk.toString("latin1")
        for (const look of socket.data.waiting) look()
      },
      close: (socket) => socket.data.closed(),
    },
  })
  return { url: `http://127.0.0.1:${listener.port}`, port: listener.port, stop: () => listener.stop(true) }
}
