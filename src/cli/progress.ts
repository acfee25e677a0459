import { paintErr } from "./print.ts"

const cells = 30

/**
 * A bar on stderr for work whose size is known; drawn only on a terminal, and only when the work takes longer than a
 * second. `end` takes it away.
 */
export function createBar(what: string): { draw: (done: number, total: number) => void; end: () => void } {
  const started = Date.now()
  let isDrawn = false
  return {
    draw(done, total) {
      if (!process.stderr.isTTY || Date.now() - started < 1000) return
      isDrawn = true
      process.stderr.write(`\r\u001b[2K${barText(done, total)} ${what} ${paintErr.dim(`${done} of ${total}`)}`)
    },
    end() {
      if (isDrawn) process.stderr.write("\r\u001b[2K")
    },
  }
}

/** `█` for what is done, `░` for what is left, and the share. */
export function barText(done: number, total: number): string {
  const share = total === 0 ? 0 : Math.min(done / total, 1)
  const full = Math.floor(share * cells)
  return `${"█".repeat(full)}${"░".repeat(cells - full)} ${String(Math.floor(share * 100)).padStart(3)} %`
}
