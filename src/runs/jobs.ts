import type { EnvironmentCtx } from "../app/context.ts"
import { AppError } from "../kit/errors.ts"
import { isoTime } from "../kit/times.ts"
import type { Store } from "../store/store.ts"
import { remoteFaults } from "./remote-model.ts"

type Kind = "dryrun" | "deployment"
type JobError = { code: string; message: string; payload?: unknown }
/** What a job has to say in the end; the members stand in its answer as they are. */
export type JobResult = Record<string, unknown>

type Job = {
  id: string
  kind: Kind
  environmentId: number
  status: "waiting" | "running" | "success" | "failed"
  /** What it is about, for the answer. */
  about: Record<string, unknown>
  createdAt: number
  updatedAt: number
  startedAt?: number
  completedAt?: number
  result?: JobResult
  error?: JobError
  sizeBytes: number
}

export type StartJob = {
  kind: Kind
  about: Record<string, unknown>
  limitMs: number
  /** What it throws is the job's error. Must end soon after the signal was given. */
  work: (signal: AbortSignal) => Promise<JobResult>
}

const keptMs = 60 * 60_000
const mostUnfinished = 50
const mostBytes = 32 * 1024 * 1024

/**
 * The jobs of each process, in memory: they end with it, and what they leave behind is a report that somebody waits
 * for. Finished ones are kept for an hour, the oldest for less when they take up too much room.
 */
const jobsOf = new WeakMap<Store, Map<string, Job>>()

function openJobs({ store }: EnvironmentCtx): Map<string, Job> {
  const found = jobsOf.get(store) ?? new Map<string, Job>()
  jobsOf.set(store, found)
  return found
}

/** Begins a job that goes on by itself. Throws `execution_environment_unavailable` when too many are unfinished. */
export function startJob(ctx: EnvironmentCtx, { kind, about, limitMs, work }: StartJob) {
  const jobs = openJobs(ctx)
  tidy(jobs, ctx.now().getTime())
  if ([...jobs.values()].filter((job) => !job.completedAt).length >= mostUnfinished)
    throw remoteFaults.execution_environment_unavailable()
  const now = ctx.now().getTime()
  const environmentId = ctx.environment.id
  const job: Job = {
    id: crypto.randomUUID(),
    kind,
    environmentId,
    status: "running",
    about,
    createdAt: now,
    updatedAt: now,
    startedAt: now,
    sizeBytes: 0,
  }
  jobs.set(job.id, job)
  void carryOut(ctx, job, { limitMs, work })
  return { id: job.id, status: job.status, created_at: isoTime(job.createdAt) }
}

/** How a job of this environment stands; undefined when there is none. */
export function findJob(ctx: EnvironmentCtx, kind: Kind, id: string): Record<string, unknown> | undefined {
  const jobs = openJobs(ctx)
  tidy(jobs, ctx.now().getTime())
  const job = jobs.get(id)
  if (!job || job.kind !== kind || job.environmentId !== ctx.environment.id) return undefined
  const { status, about, createdAt, updatedAt, startedAt, completedAt, result, error } = job
  return {
    id,
    status,
    ...about,
    created_at: isoTime(createdAt),
    updated_at: isoTime(updatedAt),
    ...(startedAt === undefined ? {} : { started_at: isoTime(startedAt) }),
    ...(completedAt === undefined ? {} : { completed_at: isoTime(completedAt) }),
    ...(completedAt === undefined || startedAt === undefined ? {} : { duration_ms: completedAt - startedAt }),
    ...result,
    ...(error ? { error } : {}),
  }
}

/** Never rejects: what goes wrong is the job's error. */
async function carryOut(ctx: EnvironmentCtx, job: Job, { limitMs, work }: Pick<StartJob, "limitMs" | "work">) {
  const limit = AbortSignal.timeout(limitMs)
  try {
    job.result = await work(limit)
    job.status = "success"
  } catch (error) {
    job.status = "failed"
    job.error = describe(ctx, job, limit.aborted ? remoteFaults.timeout() : error)
  }
  job.completedAt = job.updatedAt = ctx.now().getTime()
  job.sizeBytes = JSON.stringify([job.result, job.error]).length
}

function describe(ctx: EnvironmentCtx, job: Job, error: unknown): JobError {
  if (!(error instanceof AppError)) {
    ctx.log.error({ err: error, job: job.id }, "a job failed unexpectedly")
    return { code: "server_error", message: `Something went wrong on our side. The job is ${job.id}.` }
  }
  const { payload, extra } = error.details
  job.result = extra
  return { code: error.code, message: error.message, ...(payload === undefined ? {} : { payload }) }
}

function tidy(jobs: Map<string, Job>, now: number): void {
  let bytes = [...jobs.values()].reduce((sum, job) => sum + job.sizeBytes, 0)
  for (const job of jobs.values()) {
    if (job.completedAt === undefined) continue
    if (job.completedAt + keptMs > now && bytes <= mostBytes) continue
    bytes -= job.sizeBytes
    jobs.delete(job.id)
  }
}
