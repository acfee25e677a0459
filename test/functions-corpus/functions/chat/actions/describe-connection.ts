import { createAction } from "nango"
import * as z from "zod"

/** What a function can learn about where it runs, without any secret. */
export default createAction({
  description: "Tells what is known about the connection",
  version: "1.0.0",
  input: z.void(),
  output: z.object({
    workspace: z.string(),
    provider: z.string(),
    key_type: z.string(),
    integration: z.string(),
    features: z.array(z.string()),
    in_fixture: z.boolean(),
  }),

  exec: async (nango) => {
    const connection = await nango.getConnection()
    const integration = await nango.getIntegration()
    const variables = (await nango.getEnvironmentVariables()) ?? []
    const token = await nango.getToken()
    return {
      workspace: String(connection.connection_config["workspace"]),
      provider: integration.provider,
      key_type: typeof token === "string" ? "token" : String(token.type),
      integration: integration.unique_key,
      features: variables.filter(({ name }) => name.startsWith("FEATURE_")).map(({ name }) => name),
      in_fixture: "fixtureProvider" in nango,
    }
  },
})
