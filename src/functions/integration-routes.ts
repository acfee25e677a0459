import { z } from "zod"
import { keyEndpoint } from "../http/endpoint.ts"
import { ScriptName, UniqueKey } from "../kit/shapes.ts"
import { deleteFunction, getFunctionOf, listFunctionsOf, readSource } from "./of-integration.ts"
import { toPublicFunction } from "./show.ts"

const Type = z.enum(["sync", "action", "on-event"])
const OfIntegration = z.object({ uniqueKey: UniqueKey })
const OneFunction = OfIntegration.extend({ name: ScriptName })
const ofType = z.strictObject({ type: Type.optional() })
const page = "/integrations/:uniqueKey/functions"

/** The functions of an integration: what is deployed, its source, and an end to what no project deploys. */
export const integrationFunctionRoutes = [
  keyEndpoint({
    method: "GET",
    path: page,
    summary: "The functions of an integration",
    scope: "functions:list",
    params: OfIntegration,
    query: z.strictObject({
      type: Type.optional(),
      search: z.string().min(1).max(255).optional(),
      page: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
      limit: z.coerce.number().int().min(1).max(100).default(20),
    }),
    handle: async (ctx, { params, query }) => {
      const { rows, total } = await listFunctionsOf(ctx, params.uniqueKey, query)
      return { data: rows.map(toPublicFunction), pagination: { total, page: query.page, limit: query.limit } }
    },
  }),
  keyEndpoint({
    method: "GET",
    path: `${page}/:name`,
    summary: "One function",
    scope: "functions:read",
    params: OneFunction,
    query: ofType,
    handle: async (ctx, { params, query }) => ({
      data: toPublicFunction(await getFunctionOf(ctx, { ...params, ...query })),
    }),
  }),
  keyEndpoint({
    method: "GET",
    path: `${page}/:name/code`,
    summary: "The source of a function",
    scope: "functions:read",
    params: OneFunction,
    query: ofType,
    handle: (ctx, { params, query }) => readSource(ctx, { ...params, ...query }),
  }),
  keyEndpoint({
    method: "DELETE",
    path: `${page}/:name`,
    summary: "Removes a function that no project deploys",
    scope: "functions:delete",
    params: OneFunction,
    query: z.strictObject({ type: z.enum(["sync", "action"]) }),
    handle: async (ctx, { params, query }) => {
      await deleteFunction(ctx, { ...params, ...query })
      return { data: { success: true } }
    },
  }),
]
