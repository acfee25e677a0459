import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { HrAbsence } from "../models.js"

/** Counts in its records how often each was seen, so it has to know what is stored. */
export default createSync({
  description: "Absences",
  version: "1.0.0",
  frequency: "every hour",
  autoStart: false,
  models: { HrAbsence },

  exec: async (nango) => {
    for await (const page of nango.paginate<ApiItem>({
      endpoint: "/offset/collections/absences",
      paginate: { limit: 4 },
      retries: 3,
    })) {
      const known = await nango.getRecordsByIds(
        page.map((absence) => absence.id),
        "HrAbsence",
      )
      const fresh = page.filter((absence) => !known.has(absence.id))
      const seen = page.filter((absence) => known.has(absence.id))
      await nango.batchSave(
        fresh.map(({ id, name, status }) => ({ id, person: name, status, seen: 1 })),
        "HrAbsence",
      )
      await nango.batchUpdate(
        seen.map(({ id, status }) => ({ id, status, seen: (known.get(id)?.seen ?? 0) + 1 })),
        "HrAbsence",
      )
    }
  },
})
