import { z } from "zod"
import type { Ctx } from "../app/context.ts"
import { keyEndpoint, reply } from "../http/endpoint.ts"
import { addEnvironment } from "./add.ts"
import { getEnvironmentById, listEnvironments, rotateSigningKey } from "./environments.ts"
import { addKey, getKey, listKeys, removeKey, showKey } from "./key-list.ts"
import { EnvironmentId, KeyOf, NewEnvironment, NewKey, NewKeyOf } from "./model.ts"
import { removeEnvironment } from "./remove.ts"

const OfEnvironment = z.object({ environmentId: EnvironmentId })
const OneKey = z.object({ environmentId: EnvironmentId, keyId: EnvironmentId })
const keyScope = (verb: "create" | "delete" | "list" | "read") => `account:environments:api_keys:${verb}`

async function createKey(ctx: Ctx, id: number | string, displayName: string) {
  const environment = await getEnvironmentById(ctx, id)
  const { row, secretKey } = await addKey(ctx, { environment, displayName })
  const { last_used_at: _, ...shown } = showKey(row)
  return { data: { ...shown, secret: secretKey } }
}

async function deleteKey(ctx: Ctx, id: number | string, key: number | string) {
  await removeKey(ctx, await getEnvironmentById(ctx, id), key)
  return { success: true }
}

const environmentsRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/environments",
    summary: "All environments",
    scope: "account:environments:list",
    query: z.strictObject({ name: z.string().min(1).max(255).optional() }),
    handle: async (ctx, { query }) => {
      const all = await listEnvironments(ctx)
      const found = all.filter(({ name }) => query.name === undefined || name === query.name)
      return { data: found.map(({ id, uuid, name, is_production }) => ({ id, uuid, name, is_production })) }
    },
  }),
  keyEndpoint({
    method: "POST",
    path: "/environments",
    summary: "Makes an environment",
    scope: "account:environments:create",
    body: NewEnvironment,
    handle: async (ctx, { body }) => {
      const { id, uuid, name } = await addEnvironment(ctx, body)
      return { data: { id, uuid, name } }
    },
  }),
  keyEndpoint({
    method: "DELETE",
    path: "/environments/:environmentId",
    summary: "Deletes an environment with everything in it",
    scope: "account:environments:delete",
    params: OfEnvironment,
    handle: async (ctx, { params }) => {
      await removeEnvironment(ctx, params.environmentId)
      return reply(204)
    },
  }),
  keyEndpoint({
    method: "POST",
    path: "/environment/webhook-signing-key/rotate",
    summary: "Replaces the key that webhooks are signed with",
    scope: "webhook_signing_key:rotate",
    handle: async (ctx) => ({ data: { webhook_signing_key: await rotateSigningKey(ctx) } }),
  }),
]

const keyRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/environment/api-keys",
    summary: "Makes a key; it is shown this once",
    scope: keyScope("create"),
    body: NewKeyOf,
    handle: (ctx, { body }) => createKey(ctx, body.environment_id, body.display_name),
  }),
  keyEndpoint({
    method: "DELETE",
    path: "/environment/api-keys",
    summary: "Deletes a key",
    scope: keyScope("delete"),
    body: KeyOf,
    handle: (ctx, { body }) => deleteKey(ctx, body.environment_id, body.key_id),
  }),
  keyEndpoint({
    method: "POST",
    path: "/environments/:environmentId/api-keys",
    summary: "Makes a key; it is shown this once",
    scope: keyScope("create"),
    params: OfEnvironment,
    body: NewKey,
    handle: (ctx, { params, body }) => createKey(ctx, params.environmentId, body.display_name),
  }),
  keyEndpoint({
    method: "GET",
    path: "/environments/:environmentId/api-keys",
    summary: "The keys of an environment, without what opens anything",
    scope: keyScope("list"),
    params: OfEnvironment,
    query: z.strictObject({ display_name: z.string().min(1).max(255).optional() }),
    handle: async (ctx, { params, query }) => {
      const environment = await getEnvironmentById(ctx, params.environmentId)
      return { data: (await listKeys(ctx, { environment, displayName: query.display_name })).map(showKey) }
    },
  }),
  keyEndpoint({
    method: "GET",
    path: "/environments/:environmentId/api-keys/:keyId",
    summary: "One key, without what opens anything",
    scope: keyScope("read"),
    params: OneKey,
    handle: async (ctx, { params }) => {
      const environment = await getEnvironmentById(ctx, params.environmentId)
      return { data: showKey(await getKey(ctx, environment, params.keyId)) }
    },
  }),
  keyEndpoint({
    method: "DELETE",
    path: "/environments/:environmentId/api-keys/:keyId",
    summary: "Deletes a key",
    scope: keyScope("delete"),
    params: OneKey,
    handle: (ctx, { params }) => deleteKey(ctx, params.environmentId, params.keyId),
  }),
]

export const accountRoutes = [...environmentsRoutes, ...keyRoutes]
