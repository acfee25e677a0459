import { z } from "zod"
import { ScriptName, UniqueKey } from "../kit/shapes.ts"
import { Code, Definitions } from "./wire.ts"

/** Functions of the newer style (`createFunction`), deployed as the whole of an environment or of an integration. */
const Reference = z.string().regex(/^#\/definitions\/.+$/)
const Key = z.union([z.strictObject({ body: z.string() }), z.strictObject({ header: z.string() })])
const Trigger = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  z.strictObject({ kind: z.literal("schedule"), frequency: z.string().max(255), autoStart: z.boolean().optional() }),
  z.strictObject({
    kind: z.literal("http"),
    subscriptions: z.array(z.string().max(255)).optional(),
    debounce: z
      .strictObject({
        keyBy: z.union([Key, z.array(Key)]).optional(),
        windowMs: z.number(),
        maxEntities: z.number().optional(),
        take: z.enum(["latest", "first", "all"]).optional(),
      })
      .optional(),
  }),
  z.strictObject({
    kind: z.literal("event"),
    events: z.array(z.enum(["post-connection-creation", "pre-connection-deletion", "validate-connection"])),
  }),
])
const Requires = z.union([
  z.strictObject({
    connection: z.literal(true).optional(),
    outbound: z.boolean().optional(),
    invoke: z.boolean().optional(),
  }),
  z.strictObject({
    connection: z.literal(false),
    outbound: z.literal(false).optional(),
    invoke: z.boolean().optional(),
  }),
])

const BundledFunction = z
  .strictObject({
    name: ScriptName,
    integrationId: UniqueKey,
    description: z.string().max(2000),
    trigger: Trigger,
    requires: Requires,
    capabilities: z.strictObject({
      usesRecords: z.boolean(),
      usesOutbound: z.boolean(),
      usesCheckpoints: z.boolean(),
      usesMetadata: z.boolean(),
      usesInvoke: z.boolean(),
    }),
    limits: z.strictObject({
      concurrency: z.strictObject({ perConnection: z.union([z.literal(1), z.literal("max")]) }).optional(),
    }),
    input_schema_ref: Reference.nullable(),
    output_schema_ref: Reference.nullable(),
    metadata_schema_ref: Reference.nullable(),
    checkpoint_schema_ref: Reference.nullable(),
    model_schema_refs: z.array(Reference).max(1000),
    json_schema: z.looseObject({ definitions: Definitions.optional() }),
    fileBody: z.strictObject({ js: Code.min(1), ts: Code.min(1) }),
  })
  .superRefine(checkFunction)
export type BundledFunction = z.output<typeof BundledFunction>

export const DeployBundle = z
  .strictObject({
    reconciliationScope: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("environment") }),
      z.strictObject({ kind: z.literal("integration"), integrationId: UniqueKey }),
    ]),
    functions: z.array(BundledFunction),
  })
  .superRefine(checkBundle)
export type DeployBundle = z.output<typeof DeployBundle>

/** The model that a reference names. */
export const modelOf = (reference: string): string => reference.slice("#/definitions/".length)

type Members = z.core.$ZodRawIssue["path"]

function issueAt(ctx: z.RefinementCtx, path: NonNullable<Members>, message: string): void {
  ctx.addIssue({ code: "custom", message, path })
}

/** What a function says that it uses must be what it declares. */
function checkFunction(one: BundledFunction, ctx: z.RefinementCtx): void {
  const { capabilities, requires } = one
  const implied = {
    usesOutbound: requires.connection !== false && requires.outbound !== false,
    usesRecords: one.model_schema_refs.length > 0,
    usesMetadata: one.metadata_schema_ref !== null,
    usesCheckpoints: one.checkpoint_schema_ref !== null,
    usesInvoke: requires.invoke === true,
  }
  for (const [name, value] of Object.entries(implied) as [keyof typeof implied, boolean][]) {
    if (capabilities[name] === value) continue
    issueAt(ctx, ["capabilities", name], `${name} must be ${value}, as the function is declared`)
  }
  const definitions = one.json_schema.definitions ?? {}
  const named = {
    input_schema_ref: one.input_schema_ref,
    output_schema_ref: one.output_schema_ref,
    metadata_schema_ref: one.metadata_schema_ref,
    checkpoint_schema_ref: one.checkpoint_schema_ref,
  }
  for (const [member, reference] of Object.entries(named)) {
    if (reference !== null && !Object.hasOwn(definitions, modelOf(reference)))
      issueAt(ctx, [member], `${reference} is not in json_schema`)
  }
  for (const [index, reference] of one.model_schema_refs.entries()) {
    if (!Object.hasOwn(definitions, modelOf(reference)))
      issueAt(ctx, ["model_schema_refs", index], `${reference} is not in json_schema`)
  }
  if (one.trigger.kind !== "none")
    issueAt(
      ctx,
      ["trigger"],
      "Functions that start by themselves are not supported here: write a sync or an event function",
    )
}

function checkBundle({ functions, reconciliationScope: scope }: DeployBundle, ctx: z.RefinementCtx): void {
  const seen = new Set<string>()
  for (const [index, { name, integrationId }] of functions.entries()) {
    const key = JSON.stringify([integrationId, name])
    if (seen.has(key)) issueAt(ctx, ["functions", index, "name"], `${name} of ${integrationId} is there twice`)
    seen.add(key)
    if (scope.kind === "integration" && scope.integrationId !== integrationId)
      issueAt(ctx, ["functions", index, "integrationId"], `${name} does not belong to ${scope.integrationId}`)
  }
}
