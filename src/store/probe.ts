import type { Steps } from "./store.ts"

/** Writes one row, so that readiness means that the disk takes writes. */
export const probeSteps: Steps = {
  "store.probe": {
    database: "main",
    run: (db, input) =>
      db.run(
        "INSERT INTO meta (key, value) VALUES ('probe', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        String((input as { now: number }).now),
      ),
  },
}
