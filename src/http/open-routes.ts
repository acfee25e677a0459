import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { openEndpoint, reply } from "./endpoint.ts"

const faults = defineFaults({
  invalid_connect_session_token_format: [401, "The connect session token is missing or has another form.", "legacy"],
})

const anything = z.looseObject({})

/** What pages and tools of others ask for or report without a key. */
export const openRoutes = [
  openEndpoint({
    method: "GET",
    path: "/env.js",
    summary: "Where pages of this origin find the API, as a script",
    points: 1,
    ignoreQuery: true,
    handle: (app) => {
      const apiUrl = app.serverUrl()
      const env = { apiUrl, publicUrl: apiUrl, connectUrl: apiUrl, websocketsPath: "/" }
      // Safe inside a page too: no text can end the script element.
      const text = `window._env = ${JSON.stringify(env).replaceAll("<", "\\u003c")};\n`
      return new Response(text, { headers: { "content-type": "text/javascript; charset=utf-8" } })
    },
  }),
  openEndpoint({
    method: "POST",
    path: "/cli/telemetry",
    summary: "Takes what the official command line reports, and drops it",
    points: 10,
    ignoreQuery: true,
    body: z.union([anything, z.array(z.unknown())]),
    handle: () => reply(204),
  }),
  openEndpoint({
    method: "POST",
    path: "/connect/telemetry",
    summary: "Takes what the Connect page reports, and drops it",
    points: 1,
    ignoreQuery: true,
    body: z.union([anything, z.array(z.unknown())]),
    handle: (_app, { body }) => {
      const token: unknown = Array.isArray(body) ? undefined : body.token
      if (typeof token !== "string" || token === "") throw faults.invalid_connect_session_token_format()
      return reply(204)
    },
  }),
]
