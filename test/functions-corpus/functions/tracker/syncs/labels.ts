import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { TrackerLabel } from "../models.js"

/** Labels have no list of their own: they are counted over all issues before anything is saved. */
export default createSync({
  description: "Labels and how often they are used",
  version: "1.0.0",
  frequency: "every day",
  autoStart: false,
  models: { TrackerLabel },

  exec: async (nango) => {
    const used = new Map<string, number>()
    for await (const issues of nango.paginate<ApiItem>({ endpoint: "link/collections/issues", retries: 3 })) {
      for (const label of new Set(issues.flatMap((issue) => issue.tags))) {
        used.set(label, issues.filter((issue) => issue.tags.includes(label)).length + (used.get(label) ?? 0))
      }
    }
    const labels = [...used].map(([id, count]) => ({ id, used: count }))
    await nango.batchSave(
      labels.toSorted((a, b) => a.id.localeCompare(b.id)),
      "TrackerLabel",
    )
  },
})
