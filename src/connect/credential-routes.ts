import { z } from "zod"
import type { SessionCtx } from "../app/context.ts"
import { connectTyped } from "../connections/connect.ts"
import { oldFaults } from "../connections/old-import.ts"
import { sessionEndpoint } from "../http/endpoint.ts"
import { findIntegration } from "../integrations/integrations.ts"
import { UniqueKey } from "../kit/shapes.ts"
import type { AuthMode } from "../providers/model.ts"
import { announceFailure, openAttempt, ownerOf } from "./attempt.ts"
import { BrowserQuery, connectFaults } from "./model.ts"

const Params = z.object({ uniqueKey: UniqueKey })
const name = z.string().min(1).max(1024)
const text = z.string().max(1024)
/** Fields of the provider's own, which the auth mode checks against its entry. */
const AnyFields = z.record(z.string(), z.unknown())
const Nothing = z.unknown()

type CredentialRoute = {
  path: string
  mode: AuthMode
  body: z.ZodType
  summary: string
  /** It answers that there is no such integration as routes did before there were these. */
  old?: true
}

const routes: CredentialRoute[] = [
  {
    path: "/api-auth/api-key",
    mode: "API_KEY",
    body: z.strictObject({ apiKey: name }),
    summary: "Connects with an API key",
  },
  {
    path: "/api-auth/basic",
    mode: "BASIC",
    body: z.strictObject({ username: text, password: text }),
    summary: "Connects with a user name and a password",
  },
  {
    path: "/oauth2/auth",
    mode: "OAUTH2_CC",
    body: z.looseObject({}),
    summary: "Connects with OAuth 2 client credentials",
    old: true,
  },
  {
    path: "/auth/tba",
    mode: "TBA",
    body: z.strictObject({
      token_id: name,
      token_secret: name,
      oauth_client_id_override: text.optional(),
      oauth_client_secret_override: text.optional(),
    }),
    summary: "Connects with a token pair",
  },
  { path: "/auth/two-step", mode: "TWO_STEP", body: AnyFields, summary: "Connects with credentials that buy a token" },
  { path: "/auth/jwt", mode: "JWT", body: AnyFields, summary: "Connects with a key that signs tokens" },
  {
    path: "/auth/bill",
    mode: "BILL",
    body: z.strictObject({ username: name, password: name, organization_id: name, dev_key: name }),
    summary: "Connects with a login that opens a session",
  },
  {
    path: "/auth/signature",
    mode: "SIGNATURE",
    body: z.strictObject({ username: name, password: name, type: z.literal("SIGNATURE").optional() }),
    summary: "Connects with a secret that signs each request",
  },
  {
    path: "/auth/aws-sigv4",
    mode: "AWS_SIGV4",
    body: z.strictObject({
      role_arn: name,
      region: z
        .string()
        .max(64)
        .regex(/^[a-z0-9-]+$/)
        .optional(),
    }),
    summary: "Connects with an AWS role",
  },
  { path: "/auth/unauthenticated", mode: "NONE", body: Nothing, summary: "Connects without credentials" },
  {
    path: "/auth/oauth-outbound",
    mode: "OAUTH2",
    body: Nothing,
    summary: "Begins a connection that the provider completes with a webhook",
  },
]

/** The routes that an end user's browser sends typed credentials to. */
export const credentialRoutes = routes.map(({ path, mode, body, summary, old }) =>
  sessionEndpoint({
    method: "POST",
    path: `${path}/:uniqueKey`,
    summary,
    token: "query",
    params: Params,
    query: BrowserQuery,
    body,
    handle: (ctx, { params, query, body }) =>
      connectWith(ctx, { mode, old, uniqueKey: params.uniqueKey, params: query.params, typed: body ?? {} }),
  }),
)

type Typed = {
  mode: AuthMode
  old?: true
  uniqueKey: string
  params?: Record<string, unknown>
  typed: unknown
}

async function connectWith(ctx: SessionCtx, { mode, old, uniqueKey, params, typed }: Typed) {
  if (old && !(await findIntegration(ctx, uniqueKey))) throw oldFaults.unknown_provider_config()
  const { integration, provider, connectionId, connectionConfig } = await openAttempt(ctx, uniqueKey, params)
  if (provider.auth_mode !== mode) {
    const message = `The provider of this integration connects with ${provider.auth_mode}, not with ${mode}.`
    throw connectFaults.invalid_auth_mode({ message })
  }
  const owner = ownerOf(ctx.session)
  try {
    const replaces = ctx.session.reconnect?.id
    await connectTyped(ctx, integration, { connectionId, connectionConfig, typed, replaces, ...owner })
  } catch (error) {
    await announceFailure(ctx, { integration, connectionId, owner }, error)
    throw error
  }
  return { connectionId, providerConfigKey: integration.unique_key }
}
