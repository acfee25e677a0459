import type { StepDb, Steps } from "../store/store.ts"

type Acquire = { environmentId: number; key: string; owner: string; now: number; ttlMs: number }
type Release = { environmentId: number; key: string; owner: string }

/** Takes a lock that is free, expired or the owner's own (which renews it). Answers whether it was taken. */
function acquire(db: StepDb, input: unknown): boolean {
  const { environmentId, key, owner, now, ttlMs } = input as Acquire
  const taken = db.run(
    `INSERT INTO locks (environment_id, key, owner, expires_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (environment_id, key) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
     WHERE locks.owner = excluded.owner OR locks.expires_at <= ?`,
    environmentId,
    key,
    owner,
    now + ttlMs,
    now,
  )
  return taken > 0
}

function release(db: StepDb, input: unknown): boolean {
  const { environmentId, key, owner } = input as Release
  return db.run("DELETE FROM locks WHERE environment_id = ? AND key = ? AND owner = ?", environmentId, key, owner) > 0
}

/** Locks that functions take by name inside an environment; the owner is the operation id of a run. */
export const lockSteps: Steps = {
  "lock.acquire": { database: "main", run: acquire },
  "lock.release": { database: "main", run: release },
  "lock.releaseAll": {
    database: "main",
    run: (db, input) => db.run("DELETE FROM locks WHERE owner = ?", (input as { owner: string }).owner),
  },
}
