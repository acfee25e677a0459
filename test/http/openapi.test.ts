import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { endpoints, rawEndpoints } from "../../src/http/api.ts"
import type { Endpoint } from "../../src/http/endpoint.ts"
import { testApp, type TestApp } from "../helpers/app.ts"

let t: TestApp
let document: any
beforeAll(async () => {
  t = await testApp()
  document = (await t.request("GET", "/openapi.json", { key: null })).body
})
afterAll(() => t.close())

const template = (path: string) => path.replace(/:(\w+)/g, "{$1}").replace("*", "{path}")
const operations = (): [string, string, any][] =>
  Object.entries<Record<string, any>>(document.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([method, operation]): [string, string, any] => [method, path, operation]),
  )

test("it is an OpenAPI 3.1 document that anybody may read", () => {
  expect(document.openapi).toBe("3.1.0")
  expect(document.info).toEqual({ title: "sluice", version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
  expect(document.components.securitySchemes.secretKey).toMatchObject({ type: "http", scheme: "bearer" })
})

test("every route is in it, and nothing else", () => {
  const told = operations().map(([method, path]) => `${method.toUpperCase()} ${path}`)
  const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
  const raw = rawEndpoints.flatMap(({ path }) => methods.map((method) => ({ method, path })))
  const routes = [...endpoints, ...raw].map(({ method, path }) => `${method} ${template(path)}`)
  expect(told.toSorted()).toEqual(routes.toSorted())
})

test("operations have names of their own and say what they do", () => {
  const ids = operations().map(([, , operation]) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const [, , operation] of operations()) expect(operation.summary).toBeString()
})

function callersOf(endpoint: Endpoint) {
  if (endpoint.access === "anybody") return []
  if (endpoint.access === "session") return [endpoint.token === "query" ? { sessionQuery: [] } : { sessionHeader: [] }]
  const scopes = [endpoint.scope].flat()
  const full = scopes.map((scope) => (scope.startsWith("account:") ? scope : `environment:${scope}`))
  const keys = scopes.length === 0 ? [{ secretKey: [] }] : full.map((scope) => ({ secretKey: [scope] }))
  return endpoint.sessions ? [...keys, { sessionHeader: [] }] : keys
}

describe.each(endpoints.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))(
  "%s",
  (_, endpoint) => {
    const operation = () => document.paths[template(endpoint.path)][endpoint.method.toLowerCase()]

    test("tells who may call it, and the form of its errors", () => {
      expect(operation().security).toEqual(callersOf(endpoint))
      expect(operation().responses.default).toEqual({ $ref: "#/components/responses/Error" })
    })

    test("tells its parameters and its body", () => {
      const { parameters = [], requestBody } = operation()
      const inPath = parameters.filter((one: any) => one.in === "path").map((one: any) => one.name)
      expect(inPath).toEqual([...template(endpoint.path).matchAll(/\{(\w+)\}/g)].map((match) => match[1]))
      for (const [shape, place] of [
        [endpoint.query, "query"],
        [endpoint.headers, "header"],
      ] as const) {
        const told = parameters.filter((one: any) => one.in === place).map((one: any) => one.name)
        expect(told.toSorted()).toEqual(Object.keys(shape?.def.shape ?? {}).toSorted())
      }
      for (const { schema } of parameters) expect(schema).toBeObject()
      expect(requestBody !== undefined).toBe(endpoint.body !== undefined || "rawBody" in endpoint)
    })
  },
)

test("shapes are those of what comes in", () => {
  const { parameters } = document.paths["/records"].get
  const limit = parameters.find((one: any) => one.name === "limit")
  expect(limit).toEqual({
    name: "limit",
    in: "query",
    schema: { type: "integer", minimum: 1, maximum: 10_000, default: 100 },
  })
  expect(parameters.find((one: any) => one.name === "connection-id")).toMatchObject({ in: "header", required: true })
  const tags = document.paths["/connections"].get.parameters.find((one: any) => one.name === "tags")
  expect(tags).toMatchObject({ style: "deepObject", explode: true })
  const body = document.paths["/connections/metadata"].post.requestBody.content["application/json"].schema
  expect(body.required).toEqual(["connection_id", "provider_config_key", "metadata"])
  expect(body.additionalProperties).toBe(false)
})

test("every reference leads somewhere", () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/(components[^"]*)"/g)].map((match) => match[1] ?? "")
  expect(refs.length).toBeGreaterThan(0)
  for (const ref of new Set(refs)) {
    const found = ref.split("/").reduce((at: any, part) => at?.[part], document)
    expect([ref, found]).toEqual([ref, expect.any(Object)])
  }
})
