import type { Steps } from "../store/store.ts"
import { clearStep } from "./clear-step.ts"
import { deleteStep } from "./delete-step.ts"
import { pruneStep } from "./prune-step.ts"
import { saveStep } from "./save-step.ts"
import { updateStep } from "./update-step.ts"
import { closeRunStep, dropWindowsStep, findUnseenStep, markUnseenStep, openWindowStep } from "./window-step.ts"

/** Every prepared write of records, for the writer. */
export const recordSteps: Steps = {
  "records.save": saveStep,
  "records.update": updateStep,
  "records.delete": deleteStep,
  "records.openWindow": openWindowStep,
  "records.findUnseen": findUnseenStep,
  "records.markUnseen": markUnseenStep,
  "records.closeRun": closeRunStep,
  "records.dropWindows": dropWindowsStep,
  "records.clear": clearStep,
  "records.prune": pruneStep,
}
