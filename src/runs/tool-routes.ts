import { z } from "zod"
import { ConnectionHeaders } from "../connections/model.ts"
import { keyEndpoint, reply, replyText } from "../http/endpoint.ts"
import { answerMcp, rpcError } from "./mcp.ts"
import { normal, passThrough } from "./passthrough.ts"

/** Other ways to a deployed function: under the path that it declares, and as a tool of a language model. */
export const toolRoutes = [
  ...(["GET", "POST", "PUT", "PATCH", "DELETE"] as const).map((method) =>
    keyEndpoint({
      method,
      path: "/v1/*",
      summary: "Runs the action, or reads the records of the sync, that declares this path",
      scope: ["actions:execute", "records:read"],
      headers: ConnectionHeaders,
      query: z.record(z.string(), z.unknown()),
      ignoreQuery: true,
      body: z.unknown(),
      handle: async (ctx, { headers, query, body, request }) => {
        const path = normal(new URL(request.url).pathname.slice("/v1".length))
        const text = await passThrough(ctx, { headers, method, path, query, body, signal: request.signal })
        return text === undefined ? reply(404, { message: `Unknown endpoint '${method} ${path}'` }) : replyText(text)
      },
    }),
  ),
  keyEndpoint({
    method: "POST",
    path: "/mcp",
    summary: "The actions of a connection as tools (Model Context Protocol)",
    scope: "mcp",
    headers: ConnectionHeaders.extend({ accept: z.string().optional() }),
    body: z.unknown(),
    handle: async (ctx, { headers, body, request }) => {
      const accepted = headers.accept ?? "*/*"
      const fits = (type: string) => accepted.includes(type) || accepted.includes("*/*")
      if (!fits("application/json") || !fits("text/event-stream"))
        return reply(406, rpcError(-32_000, "The client must accept both application/json and text/event-stream."))
      const answer = await answerMcp(ctx, { headers, body, signal: request.signal })
      return answer === undefined ? reply(202) : reply(200, answer)
    },
  }),
  keyEndpoint({
    method: "GET",
    path: "/mcp",
    summary: "Refused: this server starts no conversation",
    scope: "mcp",
    ignoreQuery: true,
    handle: () => reply(405, rpcError(-32_000, "Method not allowed."), { allow: "POST" }),
  }),
]
