import { recordSteps } from "../../src/records/steps.ts"
import { serveWriter } from "../../src/store/writer.ts"

serveWriter(recordSteps)
