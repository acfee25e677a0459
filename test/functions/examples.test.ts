import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import * as z from "zod"
import { bundleFunction } from "../../src/functions/bundle.ts"
import { checkProject } from "../../src/functions/check-project.ts"
import { defineFunction, type FunctionDefinition } from "../../src/functions/definition.ts"
import { discoverFunctions } from "../../src/functions/discover.ts"
import { readProject } from "../../src/functions/project.ts"
import { loadBundle } from "./load-bundle.ts"

const files = await readProject(join(import.meta.dir, "../../examples"))
const found = discoverFunctions(files)

async function load(path: string): Promise<any> {
  return loadBundle(await bundleFunction({ files, entry: path })).default
}

/** What the describing run of the runner will say, made here from the loaded module. */
function describeExport(value: any) {
  const schema = (one: z.ZodType | undefined) => (one === undefined ? null : z.toJSONSchema(one, { target: "draft-7" }))
  const { exec: _exec, type, models = {}, input, output, metadata, checkpoint, ...rest } = value
  return {
    ...rest,
    kind: type === "onEvent" ? "on-event" : type,
    models: Object.fromEntries(Object.entries(models).map(([name, one]) => [name, schema(one as z.ZodType)])),
    input: schema(input),
    output: schema(output),
    metadata: schema(metadata),
    checkpoint: schema(checkpoint),
  }
}

async function defineAll(): Promise<FunctionDefinition[]> {
  const definitions: FunctionDefinition[] = []
  for (const entry of found.entries) {
    const bundled = await bundleFunction({ files, entry: entry.path })
    if (!bundled.ok) throw new Error(JSON.stringify(bundled.errors))
    expect(bundled.warnings).toEqual([])
    const described: unknown = JSON.parse(JSON.stringify(describeExport(loadBundle(bundled).default)))
    const result = defineFunction({ entry, described, features: bundled.features })
    if (!result.ok) throw new Error(JSON.stringify(result.errors))
    definitions.push(result.definition)
  }
  return definitions
}

test("every example is found, bundles without a warning and has a sound definition", async () => {
  expect(found.errors).toEqual([])
  const definitions = await defineAll()
  expect(
    definitions.map(
      (one) => `${one.type} ${one.integrationId}/${one.name} ${one.models?.join()} ${one.features.join()}`,
    ),
  ).toEqual([
    "action demo/add-contact ActionOutput_demo_addcontact ",
    "action demo/attach-note ActionOutput_demo_attachnote ",
    "action demo/find-contact ActionOutput_demo_findcontact ",
    "on-event demo/say-hello  ",
    "sync demo/contacts Contact ",
    "sync demo/recent-contacts RecentContact checkpoints",
    "action github/close-issue ActionOutput_github_closeissue ",
    "action github/create-issue ActionOutput_github_createissue ",
    "action github/read-file ActionOutput_github_readfile ",
    "sync github/comments GithubComment checkpoints",
    "sync github/issues GithubIssue checkpoints",
    "sync github/pull-requests GithubPullRequest ",
    "sync github/releases GithubRelease ",
  ])
  expect(checkProject(definitions)).toEqual([])
})

describe("the issues sync", () => {
  const pages = [[issue(1), { ...issue(2), pull_request: {} }], [issue(3)]]

  async function run(metadata: unknown, checkpoint: { page: number } | null, failAt = Number.POSITIVE_INFINITY) {
    const calls: string[] = []
    let asked: any
    const nango = {
      ActionError: class extends Error {
        readonly payload: { type: string }
        constructor(payload: { type: string }) {
          super()
          this.payload = payload
        }
      },
      getMetadata: async () => metadata,
      getCheckpoint: async () => checkpoint,
      saveCheckpoint: async ({ page }: { page: number }) => calls.push(`checkpoint ${page}`),
      clearCheckpoint: async () => calls.push("clear"),
      trackDeletesStart: async () => calls.push("start"),
      trackDeletesEnd: async () => calls.push("end"),
      batchSave: async (rows: { id: string }[]) => calls.push(`save ${rows.map((row) => row.id).join()}`),
      log: async () => {},
      async *paginate(config: any) {
        asked = config
        for (const [n, page] of pages.entries()) {
          if (n >= failAt) throw new Error("the provider is gone")
          yield page
        }
      },
    }
    const error = await (await load("github/syncs/issues.ts")).exec(nango).catch((thrown: unknown) => thrown)
    return { calls, asked, error }
  }

  test("saves issues, not pull requests, and closes the delete tracking", async () => {
    const { calls, asked, error } = await run({ owner: "a b", repo: "c" }, null)
    expect(error).toBeUndefined()
    expect(calls).toEqual(["start", "save 1", "checkpoint 2", "save 3", "checkpoint 3", "end", "clear"])
    expect(asked.endpoint).toBe("/repos/a%20b/c/issues")
    expect(asked.params.page).toBeUndefined()
  })

  test("an interrupted run marks nothing as deleted, and the next goes on behind it", async () => {
    const broken = await run({ owner: "a", repo: "c" }, null, 1)
    expect(broken.error).toBeInstanceOf(Object)
    expect(broken.calls).toEqual(["start", "save 1", "checkpoint 2"])
    const next = await run({ owner: "a", repo: "c" }, { page: 2 })
    expect(next.asked.params.page).toBe("2")
    expect(next.calls).not.toContain("start")
    expect(next.calls.slice(-2)).toEqual(["end", "clear"])
  })

  test("says what metadata it needs", async () => {
    const { error, calls } = await run({}, null)
    expect((error as { payload: object }).payload).toMatchObject({ type: "missing_metadata" })
    expect(calls).toEqual([])
  })
})

function issue(id: number) {
  return {
    id,
    number: id,
    title: "t",
    body: null,
    state: "open",
    user: null,
    labels: ["a", { name: "b" }, {}],
    html_url: "u",
    created_at: "c",
    updated_at: "d",
  }
}
