import type { z } from "zod"
import type { App, Ctx, SessionCtx } from "../app/context.ts"

/** What a handler answers when it is not simply 200 with a JSON body. A `text` body is JSON that was already written. */
export type Reply = { reply: true; status: number; body?: unknown; text?: string; headers?: Record<string, string> }

export const reply = (status: number, body?: unknown, headers?: Record<string, string>): Reply => ({
  reply: true,
  status,
  body,
  headers,
})

/** Answers 200 with JSON text that needs no second serialisation. */
export const replyText = (text: string): Reply => ({ reply: true, status: 200, text })

type Shape = z.ZodType | undefined
type Parsed<S extends Shape> = S extends z.ZodType ? z.output<S> : undefined
type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE"

type Common<Q extends Shape, B extends Shape, H extends Shape, P extends Shape> = {
  method: Method
  path: string
  /** One line for the API document. */
  summary: string
  query?: Q
  body?: B
  headers?: H
  params?: P
  /** Members of the query that no shape names are refused, unless the route is told to let them pass. */
  ignoreQuery?: boolean
}
type Input<Q extends Shape, B extends Shape, H extends Shape, P extends Shape> = {
  query: Parsed<Q>
  body: Parsed<B>
  headers: Parsed<H>
  params: Parsed<P>
  request: Request
  /** The body of a route with `rawBody`; else empty. */
  bytes: Uint8Array
}

/** A route that needs a secret key. Any one of `scope` suffices. */
type KeyEndpoint<Q extends Shape, B extends Shape, H extends Shape, P extends Shape> = Common<Q, B, H, P> & {
  access: "key"
  scope: string | string[]
  /** Also for a connect session's token, which holds no scope but `integrations:list`. */
  sessions?: true
  /** The body is handed over as it came, whatever it is; the most bytes that it may have. */
  rawBody?: (app: App) => number
  /** Looks at the request before its shapes are checked; may throw. */
  guard?: (request: Request) => void
  handle: (ctx: Ctx, input: Input<Q, B, H, P>) => unknown
}
/** A route that anybody may call. */
type OpenEndpoint<Q extends Shape, B extends Shape, H extends Shape, P extends Shape> = Common<Q, B, H, P> & {
  access: "anybody"
  /** How many requests one call counts for, by the caller's address. Absent: it is not counted. */
  points?: number
  /** The body is handed over as it came, whatever it is; the most bytes that it may have. */
  rawBody?: (app: App) => number
  handle: (app: App, input: Input<Q, B, H, P>) => unknown
}

/**
 * A route for the browser of an end user. Its connect session's token comes in the Authorization header, or in the query
 * as `connect_session_token` on routes that a browser opens by itself.
 */
type SessionEndpoint<Q extends Shape, B extends Shape, H extends Shape, P extends Shape> = Common<Q, B, H, P> & {
  access: "session"
  token: "header" | "query"
  handle: (ctx: SessionCtx, input: Input<Q, B, H, P>) => unknown
}

export type Endpoint =
  KeyEndpoint<any, any, any, any> | OpenEndpoint<any, any, any, any> | SessionEndpoint<any, any, any, any>

/** Declares one route: who may call it, the shape of what comes in, and the one verb that answers. */
export const keyEndpoint = <
  Q extends Shape = undefined,
  B extends Shape = undefined,
  H extends Shape = undefined,
  P extends Shape = undefined,
>(
  endpoint: Omit<KeyEndpoint<Q, B, H, P>, "access">,
): Endpoint => ({ ...endpoint, access: "key" })

export const openEndpoint = <
  Q extends Shape = undefined,
  B extends Shape = undefined,
  H extends Shape = undefined,
  P extends Shape = undefined,
>(
  endpoint: Omit<OpenEndpoint<Q, B, H, P>, "access">,
): Endpoint => ({ ...endpoint, access: "anybody" })

export const sessionEndpoint = <
  Q extends Shape = undefined,
  B extends Shape = undefined,
  H extends Shape = undefined,
  P extends Shape = undefined,
>(
  endpoint: Omit<SessionEndpoint<Q, B, H, P>, "access">,
): Endpoint => ({ ...endpoint, access: "session" })

/**
 * A route that gets the request as it came: any method, body unread, path and query untouched. It needs a secret key;
 * its path ends in `/*`. Its answer goes out as it is.
 */
export type RawEndpoint = {
  method: "ALL"
  path: `${string}/*`
  summary: string
  scope: string | string[]
  /** For the API document; the handler reads them itself. */
  headers: z.ZodType
  handle: (ctx: Ctx, input: { request: Request; rest: string; query: string }) => Promise<Response>
}

export const rawEndpoint = (endpoint: Omit<RawEndpoint, "method">): RawEndpoint => ({ ...endpoint, method: "ALL" })
