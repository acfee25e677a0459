import { describe, expect, test } from "bun:test"
import * as z from "zod"
import { checkProject } from "../../src/functions/check-project.ts"
import { type DefineInput, defineFunction, type FunctionDefinition } from "../../src/functions/definition.ts"
import { parseNangoYaml } from "../../src/functions/nango-yaml.ts"

const draft7 = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { target: "draft-7", io: "input" }) as Record<string, unknown>
const Issue = draft7(z.object({ id: z.string() }))
const sync = { kind: "sync", description: "d", frequency: "every hour", models: { Issue } }

function define(described: unknown, more: Partial<DefineInput> = {}): FunctionDefinition {
  const result = defineFunction({ entry: entry(), described, features: [], ...more })
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  return result.definition
}

function problems(described: unknown, more: Partial<DefineInput> = {}): string[] {
  const result = defineFunction({ entry: entry(), described, features: [], ...more })
  return result.ok ? [] : result.errors.map((one) => `${one.line}:${one.column} ${one.code}`)
}

function entry(path = "my-app/syncs/get-issues.ts") {
  const [integrationId = "", folder, file = ""] = path.split("/")
  const kinds = { syncs: "sync", actions: "action", "on-events": "on-event" } as const
  const folderKind = kinds[folder as keyof typeof kinds]
  return { path, integrationId, name: file.replace(".ts", ""), ...(folderKind === undefined ? {} : { folderKind }) }
}

describe("definitions", () => {
  test("a sync with its defaults", () => {
    expect(define(sync)).toEqual({
      type: "sync",
      name: "get-issues",
      integrationId: "my-app",
      file: "my-app/syncs/get-issues.ts",
      description: "d",
      scopes: [],
      models: ["Issue"],
      modelSchemas: {
        definitions: {
          Issue: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
        },
      },
      input: null,
      output: ["Issue"],
      frequency: "every hour",
      autoStart: false,
      syncType: "full",
      trackDeletes: false,
      webhookSubscriptions: [],
      endpoints: [],
      hasWebhookHandler: false,
      features: [],
      legacy: false,
    })
  })

  test("a sync with everything; the metadata gets a name", () => {
    const definition = define(
      {
        ...sync,
        version: "2",
        autoStart: true,
        trackDeletes: true,
        scopes: ["repo"],
        endpoints: [{ method: "GET", path: "/issues", group: "Issues" }],
        webhookSubscriptions: ["*"],
        hasOnWebhook: true,
        metadata: draft7(z.object({ owner: z.string() })),
        checkpoint: draft7(z.object({ page: z.number() })),
      },
      { features: ["checkpoints"] },
    )
    expect(definition).toMatchObject({
      version: "2",
      autoStart: true,
      trackDeletes: true,
      scopes: ["repo"],
      input: "SyncMetadata_my_app_getissues",
      hasWebhookHandler: true,
      webhookSubscriptions: ["*"],
      features: ["checkpoints"],
      endpoints: [{ method: "GET", path: "/issues", group: "Issues" }],
    })
    expect(Object.keys(definition.modelSchemas.definitions)).toEqual(["Issue", "SyncMetadata_my_app_getissues"])
  })

  test("the export decides the kind, not the folder", () => {
    const action = define({ kind: "action", description: "d", input: draft7(z.object({})), output: draft7(z.string()) })
    expect(action).toMatchObject({
      type: "action",
      input: "ActionInput_my_app_getissues",
      output: ["ActionOutput_my_app_getissues"],
      models: ["ActionOutput_my_app_getissues"],
      autoStart: false,
    })
    expect(action.modelSchemas.definitions.ActionOutput_my_app_getissues).toEqual({ type: "string" })
    expect(action.frequency).toBeUndefined()
    expect(define({ kind: "on-event", event: "validate-connection" })).toMatchObject({
      type: "on-event",
      event: "validate-connection",
      models: [],
    })
  })

  test("metadata that is void is none", () => {
    expect(define({ ...sync, metadata: draft7(z.object({})) }).input).toBe("SyncMetadata_my_app_getissues")
    expect(define({ ...sync, metadata: { type: "null" } }).input).toBeNull()
  })

  test("references of recursive schemas keep pointing at something", () => {
    const Node: z.ZodType = z.object({
      id: z.string(),
      get kids() {
        return z.array(Node)
      },
    })
    const Pair = z.object({ id: z.string(), a: Node, b: Node })
    const { definitions } = define({ ...sync, models: { Node: draft7(Node), Pair: draft7(Pair) } }).modelSchemas
    const refs = [...JSON.stringify(definitions).matchAll(/"\$ref":"#([^"]*)"/g)].map((one) => one[1] ?? "")
    expect(refs.length).toBeGreaterThan(1)
    for (const ref of refs) {
      const target = ref
        .split("/")
        .slice(1)
        .reduce<any>((at, key) => at?.[key], { definitions })
      expect(target).toMatchObject({ type: "object" })
    }
    expect(JSON.stringify(definitions)).not.toContain("$schema")
  })
})

describe("older scripts", () => {
  test("without nango.yaml the folder says the kind, and nothing is known of models", () => {
    const described = { isFunction: true, hasOnWebhookPayloadReceived: true }
    expect(define(described)).toMatchObject({
      type: "sync",
      models: null,
      frequency: "every hour",
      autoStart: true,
      legacy: true,
      hasWebhookHandler: true,
    })
    expect(define(described, { entry: entry("a/actions/b.ts") })).toMatchObject({ type: "action", autoStart: false })
    expect(define(described, { entry: entry("a/on-events/b.ts") }).event).toBe("post-connection-creation")
    expect(problems(described, { entry: entry("a/things/b.ts") })).toEqual(["1:1 unknown_function_kind"])
  })

  test("with nango.yaml its declaration counts", () => {
    const parsed = parseNangoYaml(
      "integrations:\n  my-app:\n    syncs:\n      get-issues:\n        runs: every day\n        output: M\n        input: In\n" +
        "        auto_start: false\n        endpoint: GET /m\nmodels:\n  M: { id: string }\n  In: { a: string }\n",
    )
    const yaml = parsed.ok ? parsed.yaml.functions[0] : undefined
    if (yaml === undefined) throw new Error("bad yaml")
    const expected = {
      models: ["M"],
      input: "In",
      frequency: "every day",
      autoStart: false,
      endpoints: [{ method: "GET", path: "/m" }],
      legacy: true,
    }
    expect(define({ isFunction: true }, { yaml })).toMatchObject(expected)
    expect(define({ isFunction: true }, { entry: { ...entry(), yaml } })).toMatchObject(expected)
    expect(Object.keys(define({ isFunction: true }, { yaml }).modelSchemas.definitions).toSorted()).toEqual(["In", "M"])
  })
})

describe("what is refused", () => {
  const endpoint = { method: "GET", path: "/a" }
  test.each<[object, string]>([
    [{ kind: null }, "nango_invalid_default_export"],
    [{ frequency: undefined }, "sync_interval_invalid"],
    [{ frequency: "sometimes" }, "sync_interval_invalid"],
    [{ frequency: "every 3s" }, "sync_interval_too_short"],
    [{ models: { issue: Issue } }, "invalid_model_name"],
    [{ models: { "Is-sue": Issue } }, "invalid_model_name"],
    [{ models: JSON.parse('{"__proto__":{"type":"object"}}') as object }, ""],
    [{ endpoints: [endpoint, { method: "GET", path: "/b" }] }, "invalid_endpoint_count"],
    [{ models: { Aa: Issue, Bb: Issue }, endpoints: [endpoint, endpoint] }, "duplicate_endpoint"],
    [{ syncType: "incremental", trackDeletes: true }, "incremental_track_deletes"],
    [{ kind: "on-event", event: undefined }, "invalid_definition"],
    [{ kind: "on-event", event: "pre-lunch" }, "invalid_definition"],
    [{ kind: "function" }, "invalid_definition"],
    [{ description: "x".repeat(2001) }, "invalid_definition"],
    [{ scopes: "repo" }, "invalid_definition"],
    [{ scopes: ["x".repeat(256)] }, "invalid_definition"],
    [{ endpoints: [{ method: "FETCH", path: "/a" }] }, "invalid_definition"],
    [{ endpoints: [{ method: "GET", path: "/a", group: "g".repeat(65) }] }, "invalid_definition"],
    [{ models: [Issue] }, "invalid_definition"],
    [{ models: Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`M${n}`, {}])) }, "invalid_definition"],
    [{ input: { a: "x".repeat(1024 * 1024) } }, "invalid_definition"],
    [{ input: nested(100_000) }, "invalid_definition"],
  ])("%#", (change, code) => {
    const found = problems({ ...sync, ...change })
    expect(found.map((one) => one.split(" ")[1])).toEqual(code === "" ? [] : [code])
  })

  test.each([[null], [undefined], [5], ["text"], [[]], [[[]]]])("a description that is %p", (...described) => {
    expect(problems(described[0])).toEqual(["1:1 invalid_definition"])
  })

  test("findings stand at the property when the source is known", () => {
    const source =
      "createSync({\n  description: 'frequency',\n  frequency: 'sometimes',\n  models: { issue: Issue },\n})"
    const described = { ...sync, frequency: "sometimes", models: { issue: Issue } }
    expect(problems(described, { source })).toEqual(["4:3 invalid_model_name", "3:3 sync_interval_invalid"])
  })
})

describe("rules between functions", () => {
  const at = (path: string, described: object) => define({ ...sync, ...described }, { entry: entry(path) })
  const codes = (...definitions: FunctionDefinition[]) =>
    checkProject(definitions).map((one) => `${one.file} ${one.code}`)

  test("a model has one sync, an endpoint one function, a name one owner", () => {
    expect(codes(at("a/syncs/x.ts", {}), at("a/syncs/y.ts", {}))).toEqual(["a/syncs/y.ts duplicate_model"])
    const endpoints = [{ method: "GET", path: "/i" }]
    expect(codes(at("a/syncs/x.ts", { endpoints }), at("a/actions/y.ts", { kind: "action", endpoints }))).toEqual([
      "a/actions/y.ts duplicate_endpoint",
    ])
    expect(codes(at("a/syncs/x.ts", {}), at("a/actions/x.ts", { kind: "action" }))).toEqual([
      "a/actions/x.ts duplicate_function",
    ])
    expect(checkProject([at("a/syncs/x.ts", {}), at("a/syncs/y.ts", {})])[0]?.message).toContain("a/syncs/x.ts")
  })

  test("other integrations, other methods and actions do not clash", () => {
    const get = [{ method: "GET", path: "/i" }]
    const put = [{ method: "PUT", path: "/i" }]
    expect(
      codes(
        at("a/syncs/x.ts", { endpoints: get }),
        at("b/syncs/x.ts", { endpoints: get }),
        at("a/actions/y.ts", { kind: "action", endpoints: put }),
      ),
    ).toEqual([])
  })
})

function nested(depth: number): object {
  let value: object = {}
  for (let n = 0; n < depth; n++) value = { a: value }
  return value
}
