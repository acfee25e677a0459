/** What the runner gives to libraries: `require("sluice:host")`. */
export type LibraryHost = {
  /** One request through the daemon's gate, redirects followed. Rejects with the network's error and its `code`. */
  send: (request: {
    url: string
    method: string
    headers: Record<string, string>
    body?: string | Uint8Array
    timeoutMs?: number
  }) => Promise<{
    status: number
    statusText: string
    headers: Record<string, string>
    url: string
    body: Uint8Array
  }>
  inflateRaw: (data: Uint8Array) => Uint8Array
  gzip: (data: Uint8Array) => Uint8Array
}

declare function require(name: "sluice:host"): LibraryHost

export const host: LibraryHost = require("sluice:host")
