import { checkCall, checkOutcome, platformError, toAnswerError } from "./messages.ts"
import type { FromChild, GuestJob, GuestOutcome, RunError, ToChild } from "./protocol.ts"
import type { RunnerLog, RunOutcome, RunRequest } from "./runner.ts"

/** Calls of one run that may be open at once; the guest itself keeps to half of it. */
const maxOpenCalls = 64

export type RunPort = {
  send: (message: ToChild) => void
  /** Ends the process at once. */
  kill: (why: string) => void
  log: RunnerLog
}

/** One run on one process, from the job to the outcome. It belongs to the process, whatever a message may say. */
export type Run = {
  number: number
  outcome: Promise<RunOutcome>
  receive: (message: Extract<FromChild, { run: number }>) => void
  /** The process is gone. */
  lost: (error: RunError) => void
  memoryBytes: number
}

export function startRun(number: number, request: RunRequest, port: RunPort): Run {
  const { promise, resolve } = Promise.withResolvers<RunOutcome>()
  const open = new Map<number, Promise<void>>()
  const timers = new Set<ReturnType<typeof setTimeout>>()
  let settled = false
  let gone = false

  const after = (ms: number, act: () => void) => void timers.add(setTimeout(act, Math.min(ms, 2 ** 31 - 1)))

  const settle = (outcome: RunOutcome) => {
    if (settled) return
    settled = true
    for (const timer of timers) clearTimeout(timer)
    request.signal?.removeEventListener("abort", cancel)
    resolve(outcome)
  }
  const fail = (error: RunError) => settle({ ok: false, error })

  /** A Worker that has not gone after half a second takes its process with it. */
  const expectEnd = () => {
    if (!gone) after(500, () => port.kill("its Worker did not end"))
  }

  const stop = (error: RunError) => {
    if (settled) return
    fail(error)
    if (!gone) port.send({ t: "stop", run: number })
    expectEnd()
  }

  const cancel = () => {
    if (settled) return
    const error = platformError("script_aborted", "The run was cancelled")
    if (gone) return stop(error)
    port.send({ t: "cancel", run: number })
    after(request.limits.cancelGraceMs, () => stop(error))
  }

  const finish = async (outcome: GuestOutcome) => {
    // A call that the function did not wait for is still part of the run, unless the run was cancelled.
    if (!request.signal?.aborted) await Promise.all(open.values())
    const checked = checkOutcome(outcome, request.limits.outputBytes)
    settle(checked.ok ? { ok: true, output: checked.output } : checked)
    expectEnd()
  }

  const answer = async (id: number, message: Extract<FromChild, { t: "call" }>) => {
    try {
      const { call, input, body } = checkCall(message)
      const result = await request.answer(call, input, body)
      const output = result.output === undefined ? undefined : JSON.stringify(result.output)
      if (!settled) port.send({ t: "answer", run: number, id, ok: true, output, body: result.body })
    } catch (error) {
      const told = toAnswerError(error)
      if (told.code === "server_error" && !request.signal?.aborted)
        port.log("error", "SDK call failed", { call: message.call, error })
      if (!settled) port.send({ t: "answer", run: number, id, ok: false, error: told })
    } finally {
      open.delete(id)
    }
  }

  const receive = (message: Extract<FromChild, { run: number }>) => {
    if (message.t === "idle") {
      gone = true
      // Until it is settled the wall clock still holds: it may be waiting for the answer to a last call.
      if (settled) for (const timer of timers) clearTimeout(timer)
      return
    }
    if (settled || message.run !== number) return
    if (message.t === "done") return void finish(message.outcome)
    if (message.t === "ended") {
      fail(platformError("function_runtime_other", "The function ended its own runtime", message.reason))
      return expectEnd()
    }
    if (message.t !== "call") return
    if (open.has(message.id) || open.size >= maxOpenCalls) {
      fail(platformError("invalid_sdk_call", `The function had more than ${maxOpenCalls} SDK calls open at once`))
      return port.kill("it flooded the daemon with calls")
    }
    open.set(message.id, answer(message.id, message))
  }

  const lost = (error: RunError) => {
    gone = true
    fail(error)
    for (const timer of timers) clearTimeout(timer)
  }

  after(request.limits.wallMs, () =>
    stop(platformError("function_runtime_timed_out", `The function ran longer than ${request.limits.wallMs} ms`)),
  )
  port.send({ t: "job", run: number, job: toJob(request) })
  if (request.signal?.aborted) cancel()
  else request.signal?.addEventListener("abort", cancel)
  return { number, outcome: promise, receive, lost, memoryBytes: request.limits.memoryBytes }
}

function toJob({ kind, code, fileName, input, facts, limits, libraries }: RunRequest): GuestJob {
  return { kind, code, fileName, input, facts, outputBytes: limits.outputBytes, libraries }
}
