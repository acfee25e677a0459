declare const self: Worker

// Asks /health without pause on a thread of its own, so that a busy test does not look like a busy daemon.
self.onmessage = async ({ data: url }: MessageEvent<string>) => {
  let worst = 0
  let asked = 0
  let failed: string | undefined
  let over = false
  self.onmessage = () => void (over = true)
  while (!over || asked < 5) {
    const start = performance.now()
    try {
      const response = await fetch(`${url}/health`)
      await response.text()
      if (response.status !== 200) failed = `status ${response.status}`
    } catch (error) {
      failed = String(error)
    }
    worst = Math.max(worst, performance.now() - start)
    asked++
    await Bun.sleep(2)
  }
  self.postMessage({ worst, asked, failed })
}
