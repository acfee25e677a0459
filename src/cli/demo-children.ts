import { selfCommand } from "../kit/entry.ts"
import { defineFaults } from "../kit/errors.ts"
import { cliFaults } from "./faults.ts"

const faults = defineFaults({ child_failed: [500, "A process of the demo ended before it was ready."] })

export type DemoChild = {
  pid: number
  /** What it printed last. */
  tail: () => string
  /** SIGTERM, and SIGKILL when that takes too long. */
  stop: () => Promise<void>
}

const stopMs = 10_000
const tailChars = 4000

/**
 * Starts this same program in another role, with an empty environment in an own folder, so that nothing of the person's
 * settings reaches it. Answers when `ready` finds what it looks for in a line of stdout. Throws `child_failed`.
 */
export async function startDemoChild<T>(input: {
  args: string[]
  folder: string
  env?: Record<string, string>
  signal: AbortSignal
  ready: (line: Record<string, unknown>) => T | undefined
}): Promise<{ child: DemoChild; found: T }> {
  const { args, folder, env, signal, ready } = input
  const [name = ""] = args
  const [program = "", ...first] = selfCommand(name)
  const proc = Bun.spawn([program, ...first, ...args.slice(1)], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let tail = ""
  const found = Promise.withResolvers<T>()
  const keep = (text: string) => {
    tail = (tail + text).slice(-tailChars)
  }
  const drained = Promise.all([
    readLines(proc.stdout, (line) => {
      keep(`${line}\n`)
      const result = line.startsWith("{") ? ready(JSON.parse(line) as Record<string, unknown>) : undefined
      if (result !== undefined) found.resolve(result)
    }),
    readLines(proc.stderr, (line) => keep(`${line}\n`)),
  ])
  const child: DemoChild = { pid: proc.pid, tail: () => tail, stop: () => stop(proc) }
  void proc.exited.then(async (code) => {
    await drained
    found.reject(faults.child_failed({ message: `sluice ${name} ended with code ${code}:\n${tail}` }))
  })
  const give = () => found.reject(cliFaults.interrupted())
  signal.addEventListener("abort", give, { once: true })
  if (signal.aborted) give()
  try {
    return { child, found: await found.promise }
  } catch (error) {
    // The caller never gets the handle, so the process must end here.
    await child.stop()
    throw error
  }
}

async function stop(proc: Bun.Subprocess): Promise<void> {
  proc.kill("SIGTERM")
  const late = setTimeout(() => proc.kill("SIGKILL"), stopMs)
  await proc.exited
  clearTimeout(late)
}

async function readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ""
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) onLine(line)
  }
  if (rest !== "") onLine(rest)
}
