import { describe, expect, test } from "bun:test"
import { testRunner } from "./harness.ts"
import { facts, request, sync, valueOf, errorOf } from "./requests.ts"
import type { Seen } from "./requests.ts"

import { edgeRows } from "./paginate-edge-rows.ts"
import { moreRows } from "./paginate-more-rows.ts"
import { rows } from "./paginate-rows.ts"

const runner = testRunner({ warm: 2 })

describe("paginate", () => {
  test.each([...rows, ...moreRows, ...edgeRows].map((row) => [row.name, row] as const))("%s", async (_, row) => {
    const seen: Seen[] = []
    const pages = [...row.pages]
    const code = sync(`const told = [], got = [], mine = { own: "x" }
for await (const page of nango.paginate({ endpoint: "/list", ${row.config} })) got.push(page ?? null)
await nango.saveCheckpoint({ told: JSON.stringify(told), got: JSON.stringify(got) })`)
    const defaults = row.defaults === "unknown" ? undefined : (row.defaults ?? null)
    const answers = {
      "proxy.send": () => {
        const next = pages.shift()
        if (!next) throw new Error("asked for more pages than there are")
        return { output: { status: 200, headers: next.headers ?? {} }, body: JSON.stringify(next.data) }
      },
    }
    const outcome = await runner.run(
      request(code, { kind: "sync", seen, answers, facts: { ...facts, paginate: defaults } }),
    )
    if (row.fails !== undefined) return expect(errorOf(outcome).message).toContain(row.fails)
    expect(valueOf(outcome)).toBe(true)
    const { told, got } = seen.at(-1)?.input.checkpoint ?? {}
    expect(JSON.parse(got)).toEqual(row.yields)
    if (row.told) expect(JSON.parse(told)).toEqual(row.told)
    expect(pages).toEqual([])
    const sent = seen.filter(({ call }) => call === "proxy.send")
    row.sent?.forEach((wanted, at) => {
      const { input, body } = sent[at] ?? { input: undefined, body: undefined }
      const shown = { ...input, body: body === undefined ? undefined : JSON.parse(String(body)) }
      for (const [key, value] of Object.entries(wanted)) expect({ [key]: shown[key] }).toEqual({ [key]: value })
    })
  })

  test("on_page runs after the page was worked on, is waited for, and not after a break", async () => {
    const seen: Seen[] = []
    const code = sync(`const order = []
const config = { endpoint: "/", paginate: { type: "cursor", cursor_name_in_request: "c", cursor_path_in_response: "next", response_path: "items",
  on_page: async () => { order.push("on"); await null; order.push("on end") } } }
for await (const p of nango.paginate(config)) order.push("page " + p)
for await (const p of nango.paginate(config)) { order.push("only " + p); break }
const it = nango.paginate(config)[Symbol.asyncIterator](); order.push((await it.next()).value[0]); await it.return(); 
await nango.saveCheckpoint({ order: order.join() })
for await (const p of nango.paginate({ ...config, paginate: { ...config.paginate, on_page() { throw new Error("from on_page") } } })) order.push(1)`)
    let asked = 0
    const answers = {
      "proxy.send": () => ({
        output: { status: 200 },
        body: JSON.stringify({ items: [++asked], next: asked === 1 ? "n" : undefined }),
      }),
    }
    const outcome = await runner.run(request(code, { kind: "sync", seen, answers }))
    expect(seen.find(({ call }) => call === "checkpoint.save")?.input.checkpoint.order).toBe(
      "page 1,on,on end,page 2,on,on end,only 3,4",
    )
    expect(errorOf(outcome).message).toBe("from on_page")
  })
})
