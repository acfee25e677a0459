import { keySteps } from "../keys/steps.ts"
import { logSteps } from "../logs/steps.ts"
import { lockSteps } from "../queue/locks.ts"
import { recordSteps } from "../records/steps.ts"
import { probeSteps } from "../store/probe.ts"
import { serveWriter } from "../store/writer.ts"
import { checkpointSteps } from "../syncs/steps.ts"

/** The entry of the writer Worker: every prepared step that the rooms bring. */
serveWriter({ ...probeSteps, ...recordSteps, ...logSteps, ...checkpointSteps, ...lockSteps, ...keySteps })
