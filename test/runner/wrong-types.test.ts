import { describe, expect, test } from "bun:test"
import { testRunner } from "./harness.ts"
import { facts, request, sync, valueOf } from "./requests.ts"
import type { Answers, Seen } from "./requests.ts"

const runner = testRunner({ warm: 2 })

/** Expressions of values that somebody may hand over by mistake or by malice. */
const odd = {
  undefined: "undefined",
  null: "null",
  true: "true",
  zero: "0",
  number: "42",
  nan: "NaN",
  infinity: "Infinity",
  empty: '""',
  text: '"text"',
  bigint: "10n",
  symbol: 'Symbol("s")',
  function: "() => 1",
  class: "class A {}",
  array: "[1]",
  "empty array": "[]",
  object: "({ a: 1 })",
  "empty object": "({})",
  "no prototype": "Object.create(null)",
  date: "new Date(0)",
  map: "new Map([[1, 2]])",
  buffer: 'Buffer.from("b")',
  circular: "(() => { const a = { id: 1 }; a.a = a; return a })()",
  "bigint inside": "({ id: 1, n: 10n })",
  "throwing getter": "({ id: 1, get boom() { throw new RangeError('boom') } })",
  "throwing toJSON": "({ id: 1, toJSON() { throw new Error('json') } })",
  "hostile proxy":
    "new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 }, has() { throw 3 }, getPrototypeOf() { throw 4 } })",
  "revoked proxy": "(() => { const p = Proxy.revocable({}, {}); p.revoke(); return p.proxy })()",
  "endless proxy": "new Proxy({}, { get: (t, k) => k === Symbol.toPrimitive ? undefined : 'x' })",
  huge: '"x".repeat(3e6)',
} as const
type Odd = keyof typeof odd

type Row = {
  /** The call, with `V` where the odd value goes. */
  call: string
  /** The name that the refusal carries; default: what stands before the parenthesis. */
  method?: string
  /** Values that mean something here, so that the call goes out (or comes back at once). */
  fine: Odd[]
  /** Values that the daemon itself refuses; the guest only passes its answer on. */
  daemon?: Odd[]
  /** It may also be refused by an error without a code of ours. */
  plain?: true
}

const objects: Odd[] = ["object", "empty object", "no prototype", "date", "map", "buffer", "endless proxy"]
const lazy: Odd[] = ["circular", "bigint inside", "throwing toJSON"]
const none: Odd[] = ["undefined", "null"]
const texts: Odd[] = ["true", "zero", "number", "nan", "infinity", "text", "bigint"]
const maybeText: Odd[] = [...none, "empty", ...texts]
const functionsAsObjects: Odd[] = []

const verbs = ["get", "post", "put", "patch", "delete", "proxy"].map((name): Row => ({
  call: `${name}(V)`,
  fine: [...objects, ...lazy, ...functionsAsObjects],
}))
const inRequest: Row[] = [
  { call: `get({ endpoint: V })`, fine: [...maybeText], daemon: ["huge"] },
  { call: `proxy({ endpoint: "/", method: V })`, fine: [...none], method: "proxy" },
  {
    call: `get({ endpoint: "/", headers: V })`,
    fine: [...none, ...objects, "array", "empty array", "circular", "bigint inside", "throwing toJSON"],
  },
  {
    call: `get({ endpoint: "/", params: V })`,
    fine: [
      ...none,
      "text",
      "empty",
      ...objects,
      "array",
      "empty array",
      "circular",
      "bigint inside",
      "throwing toJSON",
    ],
    daemon: ["huge"],
  },
  {
    call: `get({ endpoint: "/", retries: V })`,
    fine: (Object.keys(odd) as Odd[]).filter(
      (one) => !["symbol", "no prototype", "hostile proxy", "revoked proxy", "endless proxy"].includes(one),
    ),
  },
  { call: `get({ endpoint: "/", baseUrlOverride: V })`, fine: maybeText, daemon: ["huge"] },
  { call: `get({ endpoint: "/", providerConfigKey: V })`, fine: maybeText, daemon: ["huge"] },
  { call: `get({ endpoint: "/", connectionId: V })`, fine: maybeText, daemon: ["huge"] },
  {
    call: `post({ endpoint: "/", data: V })`,
    fine: (Object.keys(odd) as Odd[]).filter(
      (one) =>
        ![
          "symbol",
          "function",
          "class",
          "circular",
          "bigint inside",
          "throwing getter",
          "throwing toJSON",
          "hostile proxy",
          "revoked proxy",
        ].includes(one),
    ),
  },
]
const rest: Row[] = [
  { call: "uncontrolledFetch(V)", fine: [] },
  { call: "uncontrolledFetch({ url: V })", fine: [] },
  {
    call: `uncontrolledFetch({ url: new URL("http://h/"), method: V })`,
    fine: [...none, "empty", "true", "text", "nan", "infinity"],
    daemon: ["zero", "number", "bigint", "huge"],
  },
  { call: `uncontrolledFetch({ url: new URL("http://h/"), body: V })`, fine: [...maybeText, "buffer", "huge"] },
  { call: "getConnection(V)", fine: maybeText, daemon: ["huge"] },
  { call: `getConnection("p", V)`, fine: maybeText, daemon: ["huge"] },
  { call: `getConnection("p", "c", V)`, fine: [...none, ...objects, ...lazy] },
  {
    call: "getIntegration(V)",
    fine: [...none, ...objects, ...lazy],
  },
  { call: "getIntegration({ include: V })", fine: [...none, "empty array"] },
  { call: "setMetadata(V)", fine: objects },
  { call: "updateMetadata(V)", fine: objects },
  { call: "setFieldMapping(V)", fine: objects },
  { call: "triggerAction(V)", fine: texts, daemon: ["empty", "huge"] },
  {
    call: `triggerAction("name", V)`,
    fine: (Object.keys(odd) as Odd[]).filter(
      (one) => !["bigint", ...lazy, "throwing getter", "hostile proxy", "revoked proxy"].includes(one),
    ),
  },
  {
    call: `triggerAction("p", "c", "name", V)`,
    fine: (Object.keys(odd) as Odd[]).filter(
      (one) => !["bigint", ...lazy, "throwing getter", "hostile proxy", "revoked proxy"].includes(one),
    ),
  },
  { call: `triggerAction(V, "c", "name")`, fine: texts, daemon: ["empty", "huge"] },
  { call: `triggerSync(V, "c", "s")`, fine: texts, daemon: ["empty", "huge"] },
  { call: `triggerSync("p", V, "s")`, fine: maybeText, daemon: ["huge"] },
  { call: `triggerSync("p", "c", V)`, fine: texts, daemon: ["empty", "huge"] },
  { call: `triggerSync("p", "c", "s", V)`, fine: [...none, "true", "empty", "text", "huge", ...objects, ...lazy] },
  { call: `startSync(V, ["s"])`, fine: texts, daemon: ["empty", "huge"] },
  { call: `startSync("p", V)`, fine: [...texts, "array", "empty array"], daemon: ["empty", "huge"] },
  { call: "saveCheckpoint(V)", fine: objects.filter((one) => one !== "date"), daemon: ["date"] },
  { call: "tryAcquireLock(V)", fine: [] },
  { call: `tryAcquireLock({ key: V, ttlMs: 5 })`, fine: ["text"] },
  { call: `tryAcquireLock({ key: "k", ttlMs: V })`, fine: ["number"] },
  { call: "releaseLock(V)", fine: [] },
  { call: "releaseLock({ key: V })", fine: ["text"] },
  { call: "zodValidateInput(V)", fine: [] },
  { call: "zodValidateInput({ zodSchema: V, input: 1 })", fine: [] },
  { call: "setLogger(V)", fine: [] },
  { call: "setLogger({ level: V })", fine: ["empty", "text", "huge"] },
  { call: "log(V)", fine: Object.keys(odd) as Odd[] },
  { call: `log("m", V)`, fine: Object.keys(odd) as Odd[] },
  { call: `log("m", {}, V)`, fine: Object.keys(odd) as Odd[] },
  { call: "paginate(V).next()", method: "paginate", fine: [], plain: true },
  { call: `paginate({ endpoint: "/", paginate: V }).next()`, method: "paginate", fine: [], plain: true },
]
const recordMethods: Row[] = [
  ...["batchSave", "batchSend", "batchUpdate", "batchDelete"].flatMap((name): Row[] => [
    { call: `${name}(V, "Item")`, fine: [...none, "empty array"] },
    { call: `${name}([V], "Item")`, fine: ["endless proxy"] },
    { call: `${name}([{ id: V }], "Item")`, fine: ["number", "infinity", "text"] },
    {
      call: `${name}([{ id: 1, member: V }], "Item")`,
      fine: (Object.keys(odd) as Odd[]).filter(
        (one) => !["bigint", ...lazy, "throwing getter", "hostile proxy", "revoked proxy"].includes(one),
      ),
    },
    { call: `${name}([{ id: 1 }], V)`, fine: [] },
  ]),
  { call: `getRecordsByIds(V, "Item")`, fine: [...none, "array", "empty array"] },
  { call: `getRecordsByIds([V], "Item")`, fine: texts, daemon: ["empty", "huge"] },
  { call: `getRecordsById(["1"], V)`, fine: texts, daemon: ["empty", "huge"] },
  { call: "listRecords(V).next()", method: "listRecords", fine: texts, daemon: ["empty", "huge"] },
  { call: `listRecords("Item", V).next()`, method: "listRecords", fine: [...none, ...objects, ...lazy] },
  { call: `setMergingStrategy(V, "Item")`, fine: [] },
  { call: `setMergingStrategy({ strategy: V }, "Item")`, fine: [] },
  { call: `setMergingStrategy({ strategy: "override" }, V)`, fine: [] },
  { call: "trackDeletesStart(V)", fine: [] },
  { call: "trackDeletesEnd(V)", fine: [] },
  { call: "deleteRecordsFromPreviousExecutions(V)", fine: [] },
]

/** The daemon's part is played by answers that accept everything that passed the table of calls. */
const answers: Answers = {
  "proxy.send": () => ({ output: { status: 200, headers: {} }, body: "{}" }),
  "fetch.raw": () => ({ output: { status: 200, headers: {} }, body: "" }),
  "connection.get": () => ({ output: {} }),
  "records.get": () => ({ body: "" }),
  "records.list": () => ({ output: { nextCursor: null }, body: "" }),
}

describe("odd values", () => {
  test.each([...verbs, ...inRequest, ...rest, ...recordMethods].map((row) => [row.call, row] as const))(
    "nango.%s",
    async (_, row) => {
      const method = row.method ?? row.call.split("(")[0]
      const cases = Object.entries(odd).map(
        ([name, value]) => `[${JSON.stringify(name)}, (V) => nango.${row.call}, () => ${value}]`,
      )
      const code = sync(`const told = {}
      for (const [name, use, make] of [${cases.join(",\n")}]) {
        try { await use(make()); told[name] = "fine" } catch (e) {
          told[name] = e instanceof Error ? [e.code ?? e.name, e.message.slice(0, 200)] : ["no error", String(e)]
        }
      }
      await nango.saveCheckpoint({ told: JSON.stringify(told) })`)
      const seen: Seen[] = []
      const outcome = await runner.run(
        request(code, { kind: "sync", answers, seen, facts: { ...facts, paginate: null } }),
      )
      expect(valueOf(outcome)).toBe(true)
      const told = JSON.parse(seen.findLast(({ call }) => call === "checkpoint.save")?.input.checkpoint.told)
      const refused = row.plain ? /^(invalid_sdk_call|Error)$/ : /^(invalid_sdk_call|invalid_sync_record)$/
      for (const name of Object.keys(odd) as Odd[]) {
        if (row.fine.includes(name)) expect([name, told[name]]).toEqual([name, "fine"])
        else
          expect([name, ...told[name]]).toEqual([
            name,
            expect.stringMatching(refused),
            expect.stringMatching(new RegExp(`^nango\\.${method}: `)),
          ])
      }
      for (const name of row.daemon ?? [])
        expect([name, told[name][1]]).toEqual([name, expect.stringContaining("The SDK call")])
    },
  )
})
