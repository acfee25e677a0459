import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { entries, fail, rows, type Rule } from "./retry-rows.ts"
import { openStage, type Stage, startOfStage } from "./stage.ts"
import { valueOf } from "./requests.ts"

let stage: Stage
beforeAll(async () => {
  stage = await openStage(entries)
})
afterAll(() => stage.close())
beforeEach(() => {
  stage.fake.clear()
  stage.fake.control({ reset: true })
  stage.clock.now = startOfStage
})

const setAnswers = (answers: Rule[]) =>
  stage.fake.control({ faults: answers.map((rule) => ({ match: { path: "/echo" }, times: 1, ...rule })) })

describe("nango.get", () => {
  test.each(rows.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    setAnswers(row.answers)
    const { outcome, waits, messages } = await stage.run(
      `try { return (await nango.get({ endpoint: "/echo", ${row.config} })).status } catch (e) { return e.response?.status ?? e.code }`,
      { as: row.on ?? "plain" },
    )
    expect(valueOf(outcome)).toBe(row.ends)
    expect(waits).toEqual(row.waits)
    expect(stage.fake.requests).toHaveLength(row.reaches ?? row.waits.length + 1)
    const notices = messages.filter((message) => message.type === "log")
    if (row.reasons) expect(notices.map(({ detail }) => (detail as { reason: string }).reason)).toEqual(row.reasons)
    const attempts = messages.filter((message) => message.type === "http")
    expect(attempts).toHaveLength(row.waits.length + 1)
    expect(attempts.map(({ level }) => level)).toEqual(
      attempts.map((_, at) => (at === row.waits.length && row.ends === 200 ? "info" : "error")),
    )
    for (const { level } of notices) expect(level).toBe("warn")
  })
})

describe("credentials", () => {
  const ask = (config = "") =>
    `const r = await nango.get({ endpoint: "/echo", ${config} }); return r.data.headers.authorization`

  test("are kept for a minute, across requests and repetitions", async () => {
    await stage.connect("plain", "key-before")
    const { outcome } = await stage.run(
      `const out = []; for (let n = 0; n < 3; n++) out.push((await nango.get({ endpoint: "/echo", retries: 1 })).data.headers.authorization); return out`,
      {
        as: "plain",
        async onCall(call, nth) {
          if (call !== "proxy.send") return
          if (nth === 2) {
            await stage.connect("plain", "key-after")
            setAnswers([fail(503)])
          }
          if (nth === 3) stage.clock.now += 60_000
        },
      },
    )
    expect(valueOf(outcome)).toEqual(["Bearer key-before", "Bearer key-before", "Bearer key-after"])
  })

  test("are read again when a wait took longer than that", async () => {
    await stage.connect("plain", "key-before")
    setAnswers([fail(503, { "x-after": "61" })])
    const { outcome } = await stage.run(ask(`retries: 1, retryHeader: { after: "x-after" }`), {
      as: "plain",
      onWait: () => stage.connect("plain", "key-after"),
    })
    expect(valueOf(outcome)).toBe("Bearer key-after")
  })

  test("are read afresh after a 401, and as long as they change it goes on", async () => {
    await stage.connect("plain", "key-1")
    setAnswers([fail(401), fail(401), fail(401)])
    let at = 1
    const { outcome, waits } = await stage.run(ask("retries: 5"), {
      as: "plain",
      onWait: () => stage.connect("plain", `key-${++at}`),
    })
    expect(valueOf(outcome)).toBe("Bearer key-4")
    expect(waits).toEqual([3000, 6000, 12_000])
    const sent = stage.fake.requests.map(({ headers }) => headers.authorization)
    expect(sent).toEqual(["Bearer key-1", "Bearer key-2", "Bearer key-3", "Bearer key-4"])
  })

  test("the run's own change of its metadata is seen by its next request", async () => {
    const { outcome } = await stage.run(
      `const read = async () => (await nango.get({ endpoint: "/echo/\${metadata.team}" })).data.path
      const before = await read(); const answer = await nango.updateMetadata({ team: "m2" }); return [before, await read(), answer.status, answer.data]`,
      { as: "plain" },
    )
    const data = { connection_id: "c1", provider_config_key: "plain", metadata: { team: "m2" } }
    expect(valueOf(outcome)).toEqual(["/echo/m1", "/echo/m2", 200, data])
  })

  test("a cancelled run stops waiting", async () => {
    setAnswers([fail(503)])
    const cancel = new AbortController()
    const { outcome } = await stage.run(ask("retries: 3"), {
      as: "plain",
      signal: cancel.signal,
      onWait: () => cancel.abort(),
    })
    expect(outcome).toMatchObject({ ok: false, error: { type: "script_aborted", status: 410 } })
    expect(stage.fake.requests).toHaveLength(1)
  })
})
