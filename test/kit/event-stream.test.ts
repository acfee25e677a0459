import { expect, test } from "bun:test"
import { eventStream, type StreamEvent } from "../../src/kit/event-stream.ts"
import { readEvents } from "../helpers/events.ts"

const event = (n: number): StreamEvent => ({ id: `e${n}`, event: "tick", data: JSON.stringify({ n }) })

test("events go out as they come, with comments while nothing comes", async () => {
  const batches = [Promise.withResolvers<StreamEvent[]>(), Promise.withResolvers<StreamEvent[]>()]
  let asked = 0
  const read = () => batches[asked++]?.promise ?? Promise.resolve(undefined)
  const response = eventStream({ signal: new AbortController().signal, read, heartbeatMs: 5 })
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8")
  expect(response.headers.get("cache-control")).toBe("no-store")
  const events = readEvents(response)
  const first = events.next()
  await Bun.sleep(50)
  expect(asked).toBe(1)
  batches[0]?.resolve([event(1), event(2)])
  expect(await first).toEqual({ id: "e1", event: "tick", data: { n: 1 } })
  expect(events.comments()).toBeGreaterThan(2)
  expect(await events.next()).toEqual({ id: "e2", event: "tick", data: { n: 2 } })
  batches[1]?.resolve([])
  expect(await events.next()).toBeUndefined()
})

test("nothing is read ahead of a reader that is slow", async () => {
  let reads = 0
  const response = eventStream({
    signal: new AbortController().signal,
    read: () => Promise.resolve([event(++reads)]),
  })
  const events = readEvents(response)
  expect((await events.next())?.data).toEqual({ n: 1 })
  await Bun.sleep(20)
  expect(reads).toBeLessThan(5)
  await events.close()
})

test("whoever leaves ends the waiting", async () => {
  const began = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<boolean>()
  const response = eventStream({
    signal: new AbortController().signal,
    read: (signal) =>
      new Promise((resolve) => {
        began.resolve()
        signal.addEventListener("abort", () => {
          ended.resolve(true)
          resolve(undefined)
        })
      }),
  })
  const events = readEvents(response)
  const waiting = events.next()
  await began.promise
  await events.close()
  expect(await ended.promise).toBe(true)
  expect(await waiting).toBeUndefined()
})

test("a line end in the data does not end the event", async () => {
  const data = '"a\\nb"'
  let done = false
  const read = () => Promise.resolve(done ? undefined : ((done = true), [{ event: "x", data: `${data}\n` }]))
  const events = readEvents(eventStream({ signal: new AbortController().signal, read }))
  expect((await events.next())?.data).toBe("a\nb")
})
