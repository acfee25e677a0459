import { keyEndpoint, reply } from "../http/endpoint.ts"
import { RotateKeys } from "./model.ts"
import { rotateKeys } from "./rotate.ts"
import { readKeyStatus } from "./status.ts"

const readScope = "account:encryption_keys:read"

export const encryptionKeyRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/sluice/keys",
    summary: "The encryption keys by id, and how many sealed values each still has",
    scope: readScope,
    handle: async (ctx) => ({ data: await readKeyStatus(ctx) }),
  }),
  keyEndpoint({
    method: "GET",
    path: "/sluice/keys/rotation",
    summary: "How far the rotation of the encryption key is; null when there was none since the daemon started",
    scope: readScope,
    handle: (ctx) => ({ data: ctx.rotation.progress ?? null }),
  }),
  keyEndpoint({
    method: "POST",
    path: "/sluice/keys/rotate",
    summary: "Seals everything with another encryption key, or goes on with it",
    scope: "account:encryption_keys:rotate",
    body: RotateKeys,
    handle: async (ctx, { body }) => reply(202, { data: await rotateKeys(ctx, body.new_key) }),
  }),
]
