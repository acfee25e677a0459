import type { EnvironmentCtx } from "../app/context.ts"
import { listIntegrations } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { isoTime } from "../kit/times.ts"
import { listFunctions } from "./functions.ts"
import type { FunctionRow } from "./model.ts"
import type { JsonSchema } from "./schemas.ts"
import { returnsOf, schemaOf } from "./show.ts"

type Grouped = { integration: IntegrationRow; rows: FunctionRow[] }

/** What is deployed and enabled, by integration; integrations without functions are left out. */
async function groupFunctions(ctx: EnvironmentCtx): Promise<Grouped[]> {
  const rows = await listFunctions(ctx)
  return (await listIntegrations(ctx))
    .map((integration) => ({ integration, rows: rows.filter((row) => row.integration_id === integration.id) }))
    .filter((group) => group.rows.length > 0)
}

/**
 * Every deployed function by integration. Beside the members of today's documents stand those of the older ones
 * (`postConnectionScripts`, `is_public`, `endpoints[].GET`, …), so that readers of both find theirs.
 */
export async function describeScripts(ctx: EnvironmentCtx) {
  return (await groupFunctions(ctx)).map(({ integration, rows }) => ({
    providerConfigKey: integration.unique_key,
    provider: integration.provider,
    syncs: rows.filter((row) => row.type === "sync").map(describeSync),
    actions: rows.filter((row) => row.type === "action").map((row) => ({ ...describe(row), runs: "" })),
    "on-events": [],
    postConnectionScripts: rows
      .filter((row) => row.definition.event === "post-connection-creation")
      .map((row) => row.name),
  }))
}

const describeSync = (row: FunctionRow) => ({
  ...describe(row),
  sync_type: row.definition.syncType,
  auto_start: row.definition.autoStart,
  runs: row.definition.frequency ?? null,
  track_deletes: row.definition.trackDeletes,
})

function describe(row: FunctionRow) {
  const { definition } = row
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    description: definition.description,
    attributes: {},
    scopes: definition.scopes,
    returns: returnsOf(row),
    input: definition.input ?? undefined,
    version: row.version,
    source: row.source,
    endpoints: definition.endpoints.map(({ method, path, group }) => ({
      method,
      path,
      group: group ?? null,
      [method]: path,
    })),
    enabled: row.enabled,
    last_deployed: isoTime(row.deployed_at),
    webhookSubscriptions: definition.webhookSubscriptions,
    json_schema: schemaOf(row),
    sdk_version: definition.sdkVersion ?? null,
    models: returnsOf(row).map((name) => ({ name, fields: fieldsOf(row, name) })),
    features: definition.features,
    is_public: false,
    pre_built: false,
    nango_yaml_version: "v2",
  }
}

/** Fields are told for models of nango.yaml only; the others are described by `json_schema`. */
function fieldsOf({ definition }: FunctionRow, model: string) {
  if (!definition.legacy) return []
  const schema = definition.modelSchemas.definitions[model]
  return Object.entries((schema?.properties ?? {}) as Record<string, JsonSchema>).map(([name, field]) => {
    const type = typeText(field)
    return { name, value: type, type, optional: !requiredOf(schema).includes(name) }
  })
}

function typeText(schema: JsonSchema): string {
  if (typeof schema.$ref === "string") return schema.$ref.split("/").at(-1) ?? "any"
  if (schema.format === "date-time" || schema.format === "date") return "date"
  if (schema.type === "array") return `${typeText((schema.items ?? {}) as JsonSchema)}[]`
  if (Array.isArray(schema.type)) return schema.type.join(" | ")
  return typeof schema.type === "string" ? schema.type : "any"
}

/** Every function as a tool that a language model may call. */
export async function describeTools(ctx: EnvironmentCtx) {
  const groups = await groupFunctions(ctx)
  if (groups.length === 0) return []
  const data = groups.flatMap(({ integration, rows }) =>
    rows
      .filter((row) => row.type !== "on-event" && row.enabled)
      .map((row) => ({
        name: row.name,
        description: row.definition.description || `Execute the ${row.name} action for ${integration.provider}`,
        parameters: row.type === "sync" ? { type: "object", properties: {}, required: [] } : toolParameters(row),
      })),
  )
  return { data }
}

function toolParameters(row: FunctionRow) {
  const schema = inputSchemaOf(row)
  const told = new Map(
    row.definition.description
      .split("\n")
      .map((line) => /^\s*- ([\w.-]+):\s*(.+)$/.exec(line))
      .flatMap((match) => (match ? [[match[1] ?? "", (match[2] ?? "").trim()] as const] : [])),
  )
  const properties = Object.entries((schema?.properties ?? {}) as Record<string, JsonSchema>).map(([name, field]) => {
    const description = told.get(name)
    return [name, description === undefined ? field : { ...field, description }]
  })
  return { type: "object", properties: Object.fromEntries(properties), required: requiredOf(schema) }
}

const requiredOf = (schema: JsonSchema | undefined): string[] =>
  Array.isArray(schema?.required) ? (schema.required as string[]) : []

/** The schema of what an action takes; undefined when it declares none. */
export function inputSchemaOf({ definition }: FunctionRow): JsonSchema | undefined {
  return definition.input ? definition.modelSchemas.definitions[definition.input] : undefined
}
