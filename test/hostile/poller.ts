declare const self: Worker

export type Polled = { worst: number; asked: number; failed?: string }

let over = false

// Asks without pause on a thread of its own, so that a busy test does not look like a busy daemon.
self.onmessage = async ({ data }: MessageEvent<string[] | "over">) => {
  if (data === "over") over = true
  else self.postMessage(await Promise.all(data.map(poll)))
}

async function poll(url: string): Promise<Polled> {
  const polled: Polled = { worst: 0, asked: 0 }
  while (!over || polled.asked < 5) {
    const start = performance.now()
    try {
      const response = await fetch(`${url}/health`)
      await response.text()
      if (response.status !== 200) polled.failed = `status ${response.status}`
    } catch (error) {
      polled.failed = String(error)
    }
    polled.worst = Math.max(polled.worst, performance.now() - start)
    polled.asked++
    await Bun.sleep(2)
  }
  return polled
}
