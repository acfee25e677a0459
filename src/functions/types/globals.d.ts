// The globals of a function, as its realm has them (src/runner/guest/globals.ts). This file is a module so that it says
// nothing about the other sources here; the packer drops its last line, and then the names are global.

/* oxlint-disable typescript/consistent-type-imports -- an import declaration would make these names local */
declare var z: typeof import("zod").z
declare var ActionError: typeof import("./nango.js").ActionError
/* oxlint-enable typescript/consistent-type-imports */

type Encoding =
  | ("utf8" | "utf-8" | "hex" | "base64" | "base64url" | "ascii" | "latin1" | "binary")
  | ("utf16le" | "utf-16le" | "ucs2" | "ucs-2" | "UTF-8" | "UTF8")

/** Silent when deployed: use `nango.log`. */
interface Console {
  log(...data: any[]): void
  info(...data: any[]): void
  warn(...data: any[]): void
  error(...data: any[]): void
  debug(...data: any[]): void
  trace(...data: any[]): void
  dir(item?: any, options?: any): void
  table(data?: any, columns?: readonly string[]): void
  group(...label: any[]): void
  groupCollapsed(...label: any[]): void
  groupEnd(): void
  time(label?: string): void
  timeEnd(label?: string): void
  timeLog(label?: string, ...data: any[]): void
  count(label?: string): void
  countReset(label?: string): void
  assert(condition?: unknown, ...data: any[]): void
  clear(): void
}
declare var console: Console

declare namespace NodeJS {
  type Timeout = number
  interface ErrnoException extends Error {
    code?: string
    errno?: number
    syscall?: string
  }
}
// A promise's resolve is called without its value.
declare function setTimeout(callback: (value: void) => void, ms?: number): NodeJS.Timeout
declare function setTimeout<A extends any[]>(callback: (...args: A) => void, ms?: number, ...args: A): NodeJS.Timeout
declare function setInterval(callback: (value: void) => void, ms?: number): NodeJS.Timeout
declare function setInterval<A extends any[]>(callback: (...args: A) => void, ms?: number, ...args: A): NodeJS.Timeout
declare function setImmediate(callback: (value: void) => void): NodeJS.Timeout
declare function setImmediate<A extends any[]>(callback: (...args: A) => void, ...args: A): NodeJS.Timeout
declare function clearTimeout(timer: NodeJS.Timeout | undefined): void
declare function clearInterval(timer: NodeJS.Timeout | undefined): void
declare function clearImmediate(timer: NodeJS.Timeout | undefined): void
declare function queueMicrotask(callback: () => void): void
declare function structuredClone<T>(value: T): T
declare function atob(text: string): string
declare function btoa(text: string): string
declare var performance: { now(): number; readonly timeOrigin: number }

interface URLSearchParams extends Iterable<[string, string]> {
  readonly size: number
  append(name: string, value: string): void
  delete(name: string, value?: string): void
  get(name: string): string | null
  getAll(name: string): string[]
  has(name: string, value?: string): boolean
  set(name: string, value: string): void
  sort(): void
  toString(): string
  forEach(callback: (value: string, name: string, parent: URLSearchParams) => void): void
  entries(): IteratorObject<[string, string], undefined>
  keys(): IteratorObject<string, undefined>
  values(): IteratorObject<string, undefined>
}
type SearchParamsInit =
  | (string | URLSearchParams | Iterable<[string, string] | readonly string[]>)
  | Record<string, string | readonly string[]>
declare var URLSearchParams: { prototype: URLSearchParams; new (init?: SearchParamsInit): URLSearchParams }

interface URL {
  hash: string
  host: string
  hostname: string
  href: string
  readonly origin: string
  password: string
  pathname: string
  port: string
  protocol: string
  search: string
  readonly searchParams: URLSearchParams
  username: string
  toString(): string
  toJSON(): string
}
declare var URL: {
  prototype: URL
  new (url: string | URL, base?: string | URL): URL
  canParse(url: string | URL, base?: string | URL): boolean
  parse(url: string | URL, base?: string | URL): URL | null
}

interface Headers extends Iterable<[string, string]> {
  append(name: string, value: string): void
  delete(name: string): void
  get(name: string): string | null
  getSetCookie(): string[]
  has(name: string): boolean
  set(name: string, value: string): void
  forEach(callback: (value: string, name: string, parent: Headers) => void): void
  entries(): IteratorObject<[string, string], undefined>
  keys(): IteratorObject<string, undefined>
  values(): IteratorObject<string, undefined>
}
type HeadersInit = Headers | Iterable<readonly [string, string]> | Record<string, string>
declare var Headers: { prototype: Headers; new (init?: HeadersInit): Headers }

interface Blob {
  readonly size: number
  readonly type: string
  arrayBuffer(): Promise<ArrayBuffer>
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  slice(start?: number, end?: number, type?: string): Blob
  text(): Promise<string>
}
type BlobPart = string | ArrayBuffer | ArrayBufferView | Blob
declare var Blob: { prototype: Blob; new (parts?: BlobPart[], options?: { type?: string }): Blob }

interface FormData extends Iterable<[string, string | Blob]> {
  append(name: string, value: string | Blob, fileName?: string): void
  delete(name: string): void
  get(name: string): string | Blob | null
  getAll(name: string): (string | Blob)[]
  has(name: string): boolean
  set(name: string, value: string | Blob, fileName?: string): void
  entries(): IteratorObject<[string, string | Blob], undefined>
}
declare var FormData: { prototype: FormData; new (): FormData }

/** What `nango.uncontrolledFetch` answers. */
interface Response {
  readonly headers: Headers
  readonly ok: boolean
  readonly redirected: boolean
  readonly status: number
  readonly statusText: string
  readonly url: string
  readonly body: any
  readonly bodyUsed: boolean
  arrayBuffer(): Promise<ArrayBuffer>
  blob(): Promise<Blob>
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  formData(): Promise<FormData>
  json(): Promise<any>
  text(): Promise<string>
  clone(): Response
}

interface AbortSignal {
  readonly aborted: boolean
  readonly reason: any
  onabort: ((event: any) => void) | null
  addEventListener(type: "abort", listener: (event: any) => void): void
  removeEventListener(type: "abort", listener: (event: any) => void): void
  throwIfAborted(): void
}
interface AbortController {
  readonly signal: AbortSignal
  abort(reason?: any): void
}
declare var AbortController: { prototype: AbortController; new (): AbortController }

interface TextEncoder {
  readonly encoding: string
  encode(text?: string): Uint8Array<ArrayBuffer>
  encodeInto(text: string, into: Uint8Array): { read: number; written: number }
}
declare var TextEncoder: { prototype: TextEncoder; new (): TextEncoder }
interface TextDecoder {
  readonly encoding: string
  decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string
}
declare var TextDecoder: {
  prototype: TextDecoder
  new (encoding?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder
}

type RandomBytes = Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array
type Uuid = `${string}-${string}-${string}-${string}-${string}`
interface Crypto {
  randomUUID(): Uuid
  getRandomValues<T extends RandomBytes | BigInt64Array | BigUint64Array>(into: T): T
  /** Web Crypto, loosely. */
  readonly subtle: Record<
    | ("encrypt" | "decrypt" | "sign" | "verify" | "digest" | "generateKey" | "deriveKey" | "deriveBits")
    | ("importKey" | "exportKey" | "wrapKey" | "unwrapKey"),
    (...args: any[]) => Promise<any>
  >
}
declare var crypto: Crypto

interface ErrorConstructor {
  captureStackTrace(target: object, above?: unknown): void
  stackTraceLimit: number
}

export {}
