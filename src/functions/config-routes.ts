import { z } from "zod"
import { keyEndpoint, reply } from "../http/endpoint.ts"
import {
  createIntegration,
  deleteIntegration,
  listIntegrations,
  updateIntegration,
} from "../integrations/integrations.ts"
import { BooleanText, UniqueKey } from "../kit/shapes.ts"
import {
  checkOldUpdate,
  credentialsOf,
  getOldIntegration,
  OldIntegration,
  oldName,
  showOldIntegration,
} from "./old-integrations.ts"
import { describeScripts, describeTools } from "./scripts-config.ts"

const OneConfig = z.object({ providerConfigKey: UniqueKey })

/** What the clients of 2024 call about integrations, and the list of what is deployed. */
export const configRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/scripts/config",
    summary: "Every deployed function, for programs (nango) or as tools of language models (openai)",
    scope: "integrations:list_functions",
    ignoreQuery: true,
    query: z.looseObject({
      format: z
        .unknown()
        .optional()
        .meta({ type: "string", enum: ["nango", "openai"] }),
    }),
    handle: (ctx, { query }) => (query.format === "openai" ? describeTools(ctx) : describeScripts(ctx)),
  }),
  keyEndpoint({
    method: "GET",
    path: "/config",
    summary: "Integrations, for clients of 2024",
    scope: ["integrations:list", "integrations:list_credentials"],
    ignoreQuery: true,
    handle: async (ctx) => ({ configs: (await listIntegrations(ctx)).map((row) => oldName(row).config) }),
  }),
  keyEndpoint({
    method: "GET",
    path: "/config/:providerConfigKey",
    summary: "One integration, for clients of 2024",
    scope: ["integrations:read", "integrations:read_credentials"],
    params: OneConfig,
    ignoreQuery: true,
    query: z.looseObject({ include_creds: BooleanText.default(false) }),
    handle: (ctx, { params, query }) => showOldIntegration(ctx, params.providerConfigKey, query.include_creds),
  }),
  keyEndpoint({
    method: "POST",
    path: "/config",
    summary: "Configures a provider, for clients of 2024",
    scope: "integrations:create",
    body: OldIntegration,
    handle: async (ctx, { body }) =>
      oldName(
        await createIntegration(ctx, {
          provider: body.provider,
          unique_key: body.provider_config_key,
          credentials: credentialsOf(ctx, body),
        }),
      ),
  }),
  keyEndpoint({
    method: "PUT",
    path: "/config",
    summary: "Replaces the OAuth app of an integration, for clients of 2024",
    scope: "integrations:update",
    body: OldIntegration,
    handle: async (ctx, { body }) => {
      checkOldUpdate(ctx, await getOldIntegration(ctx, body.provider_config_key), body)
      return oldName(await updateIntegration(ctx, body.provider_config_key, { credentials: credentialsOf(ctx, body) }))
    },
  }),
  keyEndpoint({
    method: "DELETE",
    path: "/config/:providerConfigKey",
    summary: "Deletes an integration, for clients of 2024",
    scope: "integrations:delete",
    params: OneConfig,
    handle: async (ctx, { params }) => {
      await getOldIntegration(ctx, params.providerConfigKey)
      await deleteIntegration(ctx, params.providerConfigKey)
      return reply(204)
    },
  }),
]
