import { afterAll, expect } from "bun:test"
import { join } from "node:path"
import type { Polled } from "./poller.ts"

const longestMs = 100

let control: { url: Promise<string>; stop: () => void } | undefined
afterAll(() => control?.stop())

/**
 * Does the work while somebody else asks for /health all the time: each answer must be 200 and come within 100 ms. What
 * an idle server on the same machine needs at most meanwhile comes on top, and the whole is done a second time before it
 * counts as a failure, because the machine may be busy with other things.
 */
export async function whileHealthy<T>(url: string, work: () => Promise<T>): Promise<T> {
  const first = await measure(url, work)
  if (first.daemon.worst < first.limit && !first.daemon.failed) return first.result
  const second = await measure(url, work)
  expect(second.daemon.failed).toBeUndefined()
  expect(second.daemon.worst).toBeLessThan(second.limit)
  return second.result
}

async function measure<T>(url: string, work: () => Promise<T>): Promise<{ daemon: Polled; limit: number; result: T }> {
  control ??= startControl()
  const worker = new Worker(new URL("./poller.ts", import.meta.url).href)
  const answer = new Promise<Polled[]>((resolve) => {
    worker.onmessage = (event: MessageEvent<Polled[]>) => resolve(event.data)
  })
  worker.postMessage([url, await control.url])
  try {
    const result = await work()
    worker.postMessage("over")
    const [daemon, idle] = await answer
    if (!daemon || !idle) throw new Error("The poller gave no answer")
    return { daemon, limit: longestMs + idle.worst, result }
  } finally {
    worker.terminate()
  }
}

function startControl() {
  const server = Bun.spawn([process.execPath, join(import.meta.dir, "control.ts")], { stdin: "pipe", stdout: "pipe" })
  const reader = server.stdout.getReader()
  const url = reader.read().then(({ value }) => new TextDecoder().decode(value).trim())
  return { url, stop: () => void server.stdin.end() }
}
