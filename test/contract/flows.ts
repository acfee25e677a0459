import type { Answer, Sluice } from "../helpers/sluice.ts"
import { expectStatus, mint } from "./stage.ts"

/** The same daemon seen from an environment of its own: a deploy has the last word on all of one. */
export async function mintEnvironment(sluice: Sluice): Promise<Sluice> {
  const made = expectStatus(await sluice.call("POST", "/environments", { body: { name: mint("env") } }), 200)
  const body = { environment_id: made.body.data.id, display_name: "all" }
  const { secret } = expectStatus(await sluice.call("POST", "/environment/api-keys", { body }), 200).body.data
  const own = (key: string | null | undefined) => (key === undefined ? secret : key)
  return {
    ...sluice,
    key: secret,
    call: (method, path, options = {}) => sluice.call(method, path, { ...options, key: own(options.key) }),
  }
}

const map = (file: string, ts: string) =>
  Buffer.from(JSON.stringify({ version: 3, sources: [file], sourcesContent: [ts], mappings: "AAAA", names: [] }))

/** Code as a compiler leaves it: CommonJS, with its source map in the last line. */
export const compiled = (literal: string, file = "f.ts", ts = "the owner's source"): string =>
  `"use strict";\nmodule.exports = { default: ${literal} };\n` +
  `//# sourceMappingURL=data:application/json;base64,${map(file, ts).toString("base64")}\n`

const thing = { type: "object", properties: { id: { type: "string" } }, required: ["id"] }

/** A sync as the official command line sends it; it saves one record. */
export function syncFlow(providerConfigKey: string, syncName: string, more: Record<string, unknown> = {}) {
  const { exec = "await nango.batchSave([{ id: '1' }], 'Thing')", extra = "", ts = "ts", ...fields } = more
  const literal = `{ type: "sync", exec: async (nango) => { ${exec} }, ${extra} }`
  return {
    type: "sync",
    syncName,
    providerConfigKey,
    models: ["Thing"],
    version: "",
    runs: "every hour",
    track_deletes: false,
    auto_start: false,
    attributes: {},
    metadata: { description: "things", scopes: [] },
    sync_type: "full",
    fileBody: { js: compiled(literal, `${providerConfigKey}/syncs/${syncName}.ts`), ts },
    endpoints: [],
    webhookSubscriptions: [],
    models_json_schema: { definitions: { Thing: thing } },
    features: [],
    ...fields,
  }
}

/** The same for an action. */
export function actionFlow(providerConfigKey: string, syncName: string, more: Record<string, unknown> = {}) {
  const { exec = "return { id: '1' }", ts = "ts", js, ...fields } = more
  return {
    type: "action",
    syncName,
    providerConfigKey,
    models: ["ActionOutput"],
    version: "",
    runs: null,
    metadata: {},
    fileBody: { js: js ?? compiled(`{ type: "action", exec: async (nango, input) => { ${exec} } }`), ts },
    endpoints: [],
    track_deletes: false,
    models_json_schema: { definitions: { ActionOutput: thing } },
    features: [],
    ...fields,
  }
}

/** An event function as a member of `onEventScriptsByProvider[].scripts`. */
export const eventScript = (name: string, event = "post-connection-creation", exec = "") => ({
  name,
  event,
  fileBody: { js: compiled(`{ type: "onEvent", exec: async (nango) => { ${exec} } }`), ts: "ts" },
})

export const root = (flowConfigs: unknown[], more: Record<string, unknown> = {}) => ({
  flowConfigs,
  onEventScriptsByProvider: [],
  deployMode: "all",
  reconcile: false,
  debug: false,
  sdkVersion: "0.71.10-zero",
  ...more,
})

type Options = Record<string, unknown> & { headers?: Record<string, string>; key?: string }

/** Asks what the deploy would change. */
export function confirm(sluice: Sluice, flows: unknown[], { headers, key, ...more }: Options = {}): Promise<Answer> {
  return sluice.call("POST", "/sync/deploy/confirmation", { body: root(flows, more), headers, key })
}

/** Deploys as the official command line does. */
export function deployFlows(
  sluice: Sluice,
  flows: unknown[],
  { headers, key, ...more }: Options = {},
): Promise<Answer> {
  const body = root(flows, { reconcile: true, nangoYamlBody: "", source: "repo", ...more })
  return sluice.call("POST", "/sync/deploy", { body, headers, key })
}
