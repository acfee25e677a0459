import { z } from "zod"
import type { Ctx } from "../app/context.ts"
import { holdsScope } from "../environments/keys.ts"
import { keyEndpoint } from "../http/endpoint.ts"
import { oneOrMany } from "../kit/shapes.ts"
import {
  createIntegration,
  deleteIntegration,
  getIntegration,
  listIntegrations,
  refuseQuickstart,
  updateIntegration,
} from "./integrations.ts"
import {
  CreateIntegration,
  IntegrationParams,
  type IntegrationRow,
  QuickstartIntegration,
  UpdateIntegration,
} from "./model.ts"
import { showIntegration, shownCredentials, webhookUrl } from "./show.ts"

const Include = z.strictObject({ include: oneOrMany(z.enum(["webhook", "credentials"])).optional() })

export const integrationRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/integrations",
    summary: "All integrations of the environment",
    scope: ["integrations:list", "integrations:list_credentials"],
    sessions: true,
    handle: async (ctx) => {
      const allowed = ctx.caller.kind === "session" ? ctx.caller.allowed : undefined
      const rows = (await listIntegrations(ctx)).filter(({ unique_key }) => allowed?.includes(unique_key) ?? true)
      return { data: rows.map((row) => showIntegration(ctx, row)) }
    },
  }),
  keyEndpoint({
    method: "POST",
    path: "/integrations",
    summary: "Configures a provider",
    scope: "integrations:create",
    body: CreateIntegration,
    handle: async (ctx, { body }) => ({ data: showIntegration(ctx, await createIntegration(ctx, body)) }),
  }),
  keyEndpoint({
    method: "POST",
    path: "/integrations/quickstart",
    summary: "Refused: this server has no developer app to share",
    scope: "integrations:create",
    body: QuickstartIntegration,
    handle: (ctx, { body }) => refuseQuickstart(ctx, body),
  }),
  keyEndpoint({
    method: "GET",
    path: "/integrations/:uniqueKey",
    summary: "One integration",
    scope: ["integrations:read", "integrations:read_credentials"],
    query: Include,
    params: IntegrationParams,
    handle: async (ctx, { params, query }) => {
      const row = await getIntegration(ctx, params.uniqueKey)
      return { data: { ...showIntegration(ctx, row), ...included(ctx, row, query.include ?? []) } }
    },
  }),
  keyEndpoint({
    method: "PATCH",
    path: "/integrations/:uniqueKey",
    summary: "Changes an integration",
    scope: "integrations:update",
    params: IntegrationParams,
    body: UpdateIntegration,
    handle: async (ctx, { params, body }) => ({
      data: showIntegration(ctx, await updateIntegration(ctx, params.uniqueKey, body)),
    }),
  }),
  keyEndpoint({
    method: "DELETE",
    path: "/integrations/:uniqueKey",
    summary: "Deletes an integration with its connections, functions and syncs",
    scope: "integrations:delete",
    params: IntegrationParams,
    handle: async (ctx, { params }) => {
      await deleteIntegration(ctx, params.uniqueKey)
      return { success: true }
    },
  }),
]

/** The members that a caller asked for with `include`. A caller that may not see credentials does not get the member. */
function included(ctx: Ctx, row: IntegrationRow, include: string[]): Record<string, unknown> {
  const more: Record<string, unknown> = {}
  if (include.includes("webhook")) more.webhook_url = webhookUrl(ctx, row)
  const mayRead = holdsScope(ctx.caller, "integrations:read_credentials")
  if (include.includes("credentials") && mayRead) more.credentials = shownCredentials(ctx, row)
  return more
}
