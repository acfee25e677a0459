import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import type { Sluice } from "../helpers/sluice.ts"
import { actionFile, mirrorMetadata } from "./functions.ts"
import { findWrongRefusals, type Refusals } from "./refusals.ts"
import { type Connection, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
let at: Connection
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
  const files = { "syncs/things.ts": mirrorMetadata, "actions/echo.ts": actionFile("return input") }
  at = await stage(sluice, files, { metadata: { rows: [{ id: "a" }] } })
  await at.run("things")
})
afterAll(() => world[Symbol.asyncDispose]())

async function expectRefusals(groups: Refusals[]): Promise<void> {
  const before = [await at.status("things"), await at.records("Thing")]
  expect(await findWrongRefusals(sluice, groups)).toEqual([])
  expect([await at.status("things"), await at.records("Thing")]).toEqual(before)
}

test("syncs: every bad request is refused with its code, and nothing runs or changes", async () => {
  const on = (more: object) => ({ syncs: ["things"], provider_config_key: at.key, connection_id: at.id, ...more })
  const timed = { sync_name: "things", provider_config_key: at.key, connection_id: at.id }
  await expectRefusals([
    { route: "POST /sync/trigger", code: "missing_provider_config_key", rows: [["no integration", { syncs: [] }]] },
    {
      route: "POST /sync/trigger",
      code: "invalid_body",
      rows: [
        ["no syncs", on({ syncs: undefined }), "invalid_type"],
        ["both forms of options", on({ opts: {}, full_resync: true })],
        ["both forms of options", on({ opts: { reset: true }, sync_mode: "incremental" })],
        ["an unknown mode", on({ sync_mode: "all" }), "invalid_value"],
        ["an unknown option", on({ opts: { clear: true } }), "unrecognized_keys"],
        ["an option that is a text", on({ opts: { reset: "yes" } }), "invalid_type"],
        ["an unknown member", on({ foo: 1 }), "unrecognized_keys"],
        ["a name of no kind", on({ syncs: ["a b"] }), "custom"],
        ["a name that is a number", on({ syncs: [5] }), "invalid_union"],
      ],
    },
    ...["start", "pause"].map((verb) => ({
      route: `POST /sync/${verb}`,
      code: "invalid_body",
      rows: [
        ["no integration", on({ provider_config_key: undefined }), "invalid_type"],
        ["no syncs", on({ syncs: undefined }), "invalid_type"],
        ["an unknown member", on({ opts: {} }), "unrecognized_keys"],
        ["too many", on({ syncs: Array.from({ length: 257 }, () => "things") }), "too_big"],
      ] as Refusals["rows"],
    })),
    {
      route: `GET /sync/status?provider_config_key=${at.key}`,
      code: "invalid_query_params",
      rows: [["no syncs", undefined, "invalid_type"]],
    },
    {
      route: "GET /sync/status?syncs=*",
      code: "invalid_query_params",
      rows: [["no integration", undefined, "invalid_type"]],
    },
    {
      route: "PUT /sync/update-connection-frequency",
      code: "invalid_body",
      rows: [
        ["no frequency", timed, "invalid_type"],
        ["a number", { ...timed, frequency: 5 }, "invalid_type"],
        ["words", { ...timed, frequency: "now and then" }, "invalid_format"],
        ["too often", { ...timed, frequency: "every 29 seconds" }],
        ["an unknown member", { ...timed, frequency: null, foo: 1 }, "unrecognized_keys"],
      ],
    },
    {
      route: "GET /environment-variables?a=1",
      code: "invalid_query_params",
      rows: [["a query", undefined, "unrecognized_keys"]],
    },
  ])
})

test("actions: every bad request is refused with its code", async () => {
  const route = "POST /action/trigger"
  const act = { action_name: "echo" }
  const noIntegration = { "connection-id": at.id }
  const noConnection = { "provider-config-key": at.key }
  await expectRefusals([
    { route, code: "invalid_headers", rows: [["no headers", act, "invalid_type"]] },
    { route, code: "invalid_headers", headers: noIntegration, rows: [["no integration", act, "invalid_type"]] },
    { route, code: "invalid_headers", headers: noConnection, rows: [["no connection", act, "invalid_type"]] },
    {
      route,
      code: "invalid_headers",
      headers: { ...at.headers, "connection-id": "a<b" },
      rows: [["no id", act, "invalid_format"]],
    },
    {
      route,
      code: "invalid_headers",
      headers: { ...at.headers, "x-max-retries": "6" },
      rows: [["too many retries", act, "too_big"]],
    },
    {
      route,
      code: "invalid_body",
      headers: at.headers,
      rows: [
        ["no name", {}, "invalid_type"],
        ["nothing", undefined, "invalid_type"],
        ["a name of no kind", { action_name: "a b" }, "invalid_format"],
      ],
    },
    {
      route: `${route}?a=1`,
      code: "invalid_query_params",
      headers: at.headers,
      rows: [["a query", act, "unrecognized_keys"]],
    },
    {
      route,
      code: "unknown_connection",
      headers: { ...at.headers, "connection-id": "nobody" },
      rows: [["not there", act]],
    },
    { route, status: 404, code: "not_found", headers: at.headers, rows: [["not there", { action_name: "none" }]] },
  ])
})

const longId = "a".repeat(257)
const wrongQueries: [what: string, query: string, issue: string][] = [
  ["no model", "limit=1", "invalid_type"],
  ["a model of no kind", "model=thing", "invalid_format"],
  ["a page of nothing", "model=Thing&limit=0", "too_small"],
  ["a page that is too long", "model=Thing&limit=10001", "too_big"],
  ["a limit that is a word", "model=Thing&limit=ten", "invalid_type"],
  ["an unknown filter", "model=Thing&filter=changed", "custom"],
  ["a filter in mixed case", "model=Thing&filter=Added", "custom"],
  ["an empty cursor", "model=Thing&cursor=", "too_small"],
  ["a cursor of no kind", "model=Thing&cursor=nonsense", "custom"],
  ["a cursor that is too long", `model=Thing&cursor=${"a".repeat(1001)}`, "too_big"],
  ["a time of no kind", "model=Thing&modified_after=yesterday", "invalid_format"],
  ["a time without zone", "model=Thing&modified_after=2026-01-01T00:00:00", "invalid_format"],
  ["a time before last year", "model=Thing&modified_after=2020-01-01T00:00:00Z", "custom"],
  ["the older name of it", "model=Thing&delta=2020-01-01T00:00:00Z", "custom"],
  ["an id that is too long", `model=Thing&ids=${longId}`, "invalid_union"],
  ["too many ids", `model=Thing${"&ids=a".repeat(101)}`, "too_big"],
  ["an unknown parameter", "model=Thing&foo=1", "unrecognized_keys"],
]
test("records: every bad request is refused with its code", async () => {
  const groups: Refusals[] = wrongQueries.map(([what, query, issue]) => ({
    route: `GET /records?${query}`,
    code: "invalid_query_params",
    headers: at.headers,
    rows: [[what, undefined, issue]],
  }))
  const unknown = { ...at.headers, "connection-id": "nobody" }
  await expectRefusals([
    ...groups,
    { route: "GET /records?model=Thing", code: "invalid_headers", rows: [["no headers", undefined, "invalid_type"]] },
    { route: "GET /records?model=Thing", code: "unknown_connection", headers: unknown, rows: [["not there"]] },
    {
      route: "PATCH /records/prune",
      code: "invalid_body",
      headers: at.headers,
      rows: [
        ["no cursor", { model: "Thing" }, "invalid_type"],
        ["a cursor of no kind", { model: "Thing", until_cursor: "nonsense" }, "custom"],
      ],
    },
  ])
})
