export type HttpMethod = ("GET" | "POST" | "PUT" | "PATCH" | "DELETE") | ("get" | "post" | "put" | "patch" | "delete")

type Scalar = string | number | boolean | null | undefined

/** A request to the provider. Credentials, base URL and the provider's own headers come by themselves. */
export interface ProxyConfiguration {
  /** Path at the provider, with or without a leading slash; it may carry a query. */
  endpoint: string
  method?: HttpMethod | undefined
  /** Query. */
  params?: string | Record<string, Scalar | readonly (string | number)[]> | undefined
  /** Body. Objects become JSON, or a form when the content type says so. */
  data?: unknown
  headers?: Record<string, Scalar> | undefined
  /** How many times a failed request is tried again. Default: 0. */
  retries?: number | undefined
  /** More statuses that are tried again. */
  retryOn?: number[] | null | undefined
  retryHeader?: { at?: string | string[] | undefined; after?: string | string[] | undefined } | undefined
  baseUrlOverride?: string | undefined
  decompress?: boolean | "true" | undefined
  /** `arraybuffer` gives a Buffer. */
  responseType?: "arraybuffer" | "blob" | "document" | "json" | "text" | "stream" | undefined
  forwardHeadersOnRedirect?: boolean | undefined
  /** Sends the request with the connection of another integration. */
  providerConfigKey?: string | undefined
  connectionId?: string | undefined
  paginate?: Pagination | undefined
}

export type CursorPagination = Pagination
export type LinkPagination = Pagination
export type OffsetPagination = Pagination

/** How `nango.paginate` walks; what is missing comes from the provider's entry in the catalogue. */
export interface Pagination {
  // Open, because a configuration that is built in a variable has lost its literal types.
  type?: "cursor" | "link" | "offset" | (string & {}) | undefined
  /** Dotted path of the items in the response; without it the whole body is the list. */
  response_path?: string | undefined
  limit?: number | undefined
  limit_name_in_request?: string | undefined
  /** Puts what changes into the body. Default: for POST, PUT and PATCH. */
  in_body?: boolean | undefined
  /** Called after a page was taken, before the next is asked for. */
  on_page?: ((state: PaginationState) => void | Promise<void>) | undefined
  cursor_name_in_request?: string | undefined
  cursor_path_in_response?: string | undefined
  link_rel_in_response_header?: string | undefined
  link_path_in_response_body?: string | undefined
  offset_name_in_request?: string | undefined
  offset_start_value?: number | undefined
  offset_calculation_method?: "per-page" | "by-response-size" | undefined
}

export interface PaginationState {
  nextPageParam?: string | number | undefined
  response: AxiosResponse
}

export interface AxiosResponse<T = any> {
  data: T
  status: number
  statusText: string
  /** Names in lower case. */
  headers: Record<string, any>
  config: any
  request?: any
}

/** What a request throws when the answer is not a success, or when there is none. */
export interface AxiosError<T = any> extends Error {
  code?: string
  status?: number
  response?: AxiosResponse<T>
  config: any
  request?: any
  isAxiosError: boolean
}

export interface FetchOptions {
  url: URL
  method?: HttpMethod | undefined
  headers?: Record<string, string> | undefined
  body?: string | Uint8Array | null | undefined
}
