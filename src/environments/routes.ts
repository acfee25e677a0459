import { keyEndpoint } from "../http/endpoint.ts"
import { listVariables, saveSettings, saveVariables, validationOf } from "./environments.ts"
import { type Environment, ProxySettings, ValidationSettings, Variables } from "./model.ts"

const show = (environment: Environment) => ({
  name: environment.name,
  is_production: environment.is_production,
  ...validationOf(environment),
  base_url_override: environment.settings.base_url_override !== false,
})

// Who may replace the code of an environment may also say how strictly it is run and with which variables.
const changeScope = "deploy"

export const environmentRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/environment-variables",
    summary: "The environment's variables",
    scope: "variables:read",
    handle: (ctx) => listVariables(ctx),
  }),
  keyEndpoint({
    method: "PUT",
    path: "/sluice/environment/variables",
    summary: "Replaces the environment's variables",
    scope: changeScope,
    body: Variables,
    handle: async (ctx, { body }) => {
      await saveVariables(ctx, body)
      return listVariables(ctx)
    },
  }),
  keyEndpoint({
    method: "GET",
    path: "/sluice/environment",
    summary: "The key's environment and its settings",
    scope: [],
    handle: (ctx) => show(ctx.environment),
  }),
  keyEndpoint({
    method: "PATCH",
    path: "/sluice/environment",
    summary: "Changes settings of the environment",
    scope: changeScope,
    body: ValidationSettings.extend(ProxySettings.shape).partial(),
    handle: async (ctx, { body }) => show(await saveSettings(ctx, body)),
  }),
]
