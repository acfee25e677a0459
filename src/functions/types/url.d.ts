export declare const URL: typeof globalThis.URL
export type URL = InstanceType<typeof globalThis.URL>
export declare const URLSearchParams: typeof globalThis.URLSearchParams
export type URLSearchParams = InstanceType<typeof globalThis.URLSearchParams>

export interface UrlParts {
  href: string
  protocol: string | null
  slashes: boolean | null
  auth: string | null
  host: string | null
  port: string | null
  hostname: string | null
  hash: string | null
  search: string | null
  query: any
  pathname: string | null
  path: string | null
}
/** @deprecated Use URL. */
export declare function parse(url: string, parseQuery?: boolean, slashesDenoteHost?: boolean): UrlParts
export declare function format(url: object | string, options?: object): string
/** @deprecated Use URL. */
export declare function resolve(from: string, to: string): string
export declare function domainToASCII(domain: string): string
export declare function domainToUnicode(domain: string): string

export * as default from "./url.js"
