import { z } from "zod"
import { fullScope } from "../environments/keys.ts"
import { version } from "../kit/version.ts"
import { type Endpoint, openEndpoint, type RawEndpoint, replyText } from "./endpoint.ts"

type Json = Record<string, unknown>
type Tables = { endpoints: Endpoint[]; raw: RawEndpoint[] }

/** `GET /openapi.json`: the API as its own table of routes describes it (OpenAPI 3.1). */
export function documentRoute(tables: () => Tables): Endpoint {
  let text: string | undefined
  return openEndpoint({
    method: "GET",
    path: "/openapi.json",
    summary: "This document",
    points: 1,
    ignoreQuery: true,
    handle: () => replyText((text ??= JSON.stringify(describeApi(tables())))),
  })
}

/** The document for the tables of routes: every route with its parameters, body, scopes and the form of its errors. */
export function describeApi({ endpoints, raw }: Tables): Json {
  const paths: Record<string, Json> = {}
  for (const route of [...endpoints, ...raw.flatMap(ofEachMethod)]) {
    const path = (paths[templateOf(route.path)] ??= {})
    path[route.method.toLowerCase()] = describeOperation(route)
  }
  return {
    openapi: "3.1.0",
    info: { title: "sluice", version },
    paths,
    components: {
      securitySchemes: {
        secretKey: { type: "http", scheme: "bearer", description: "A secret key of an environment" },
        sessionHeader: { type: "http", scheme: "bearer", description: "The token of a connect session" },
        sessionQuery: { type: "apiKey", in: "query", name: "connect_session_token" },
      },
      schemas: { Error: errorSchema },
      responses: {
        Error: {
          description: "What went wrong: `code` is for programs, `message` for people",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
        },
      },
    },
  }
}

const templateOf = (path: string): string => path.replace(/:(\w+)/g, "{$1}").replace("*", "{path}")

type Route = Pick<Endpoint, "path" | "summary" | "query" | "headers" | "params"> & {
  method: string
  body?: z.ZodType
  /** A body of any kind is taken. */
  anyBody?: boolean
  rawBody?: unknown
  access: "key" | "session" | "anybody"
  scope?: string | string[]
  sessions?: true
  token?: "header" | "query"
}

/** Such a route takes any method; these are the ones that a document can name. */
const ofEachMethod = ({ path, summary, headers, scope }: RawEndpoint): Route[] =>
  ["GET", "POST", "PUT", "PATCH", "DELETE"].map((method) => {
    const anyBody = method !== "GET"
    return { method, path, summary, headers, scope, access: "key", anyBody }
  })

function describeOperation(endpoint: Route): Json {
  const parameters = [
    ...pathParameters(endpoint),
    ...parametersOf(endpoint.query, "query"),
    ...parametersOf(endpoint.headers, "header"),
  ]
  return {
    operationId: `${endpoint.method.toLowerCase()}${endpoint.path.replace(/[^a-zA-Z0-9]+/g, "_")}`,
    summary: endpoint.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...bodyOf(endpoint),
    responses: { "2XX": { description: "Done" }, default: { $ref: "#/components/responses/Error" } },
    security: securityOf(endpoint),
  }
}

function bodyOf({ body, anyBody, rawBody }: Route): Json {
  if (anyBody || rawBody) return { requestBody: { content: { "*/*": {} } } }
  return body ? { requestBody: { content: { "application/json": { schema: schemaOf(body) } } } } : {}
}

/** Any one of the scopes suffices, so each is a requirement of its own. */
function securityOf({ access, scope = [], sessions, token }: Route): Json[] {
  if (access === "anybody") return []
  if (access === "session") return [token === "query" ? { sessionQuery: [] } : { sessionHeader: [] }]
  const scopes = [scope].flat()
  const keys = scopes.length === 0 ? [{ secretKey: [] }] : scopes.map((scope) => ({ secretKey: [fullScope(scope)] }))
  return sessions ? [...keys, { sessionHeader: [] }] : keys
}

function pathParameters({ path, params }: Route): Json[] {
  const schemas = params ? (schemaOf(params).properties as Record<string, Json>) : {}
  const names = [...templateOf(path).matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "")
  return names.map((name) => ({ name, in: "path", required: true, schema: schemas[name] ?? { type: "string" } }))
}

function parametersOf(shape: z.ZodType | undefined, place: "query" | "header"): Json[] {
  if (!shape) return []
  const { properties = {}, required = [] } = schemaOf(shape) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    ...(required.includes(name) ? { required: true } : {}),
    // `a[b]=c` is how a query writes an object.
    ...(schema.type === "object" ? { style: "deepObject", explode: true } : {}),
    schema,
  }))
}

function schemaOf(shape: z.ZodType): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io: "input", unrepresentable: "any" })
  return schema
}

const issue = {
  type: "object",
  required: ["code", "message", "path"],
  properties: {
    code: { type: "string" },
    message: { type: "string" },
    path: { type: "array", items: { type: "string" } },
  },
}
const errorSchema = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code"],
      properties: {
        code: { type: "string" },
        message: { type: "string" },
        errors: { type: "array", items: issue, description: "What is wrong with the request, one by one" },
        payload: {},
      },
    },
  },
}
