import { createRunner } from "../../src/runner/runner.ts"
import { action, request } from "./requests.ts"

// A daemon with a run that spins, to be killed from outside; prints the process of the runner.
const runner = createRunner({ warm: 1, max: 1, idleMs: 1000, recycleAfterRuns: 9, log: () => undefined, now: Date.now })
const answers = {
  "checkpoint.get": () => {
    console.log(
      Bun.spawnSync(["pgrep", "-P", String(process.pid)])
        .stdout.toString()
        .trim(),
    )
  },
}
await runner.run(
  request(action("await nango.getCheckpoint(); while (true) {}"), { answers, limits: { wallMs: 60_000 } }),
)
