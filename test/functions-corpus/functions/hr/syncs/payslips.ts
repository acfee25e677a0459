import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { HrPayslip } from "../models.js"

/** Deletes by hand what is stored and not listed any more. */
export default createSync({
  description: "Payslips",
  version: "1.0.0",
  frequency: "every month",
  autoStart: false,
  models: { HrPayslip },

  exec: async (nango) => {
    const { data } = await nango.get<{ data: ApiItem[] }>({
      endpoint: "/offset/collections/payslips",
      params: { limit: 100 },
      retries: 3,
    })
    const listed = new Set(data.data.map((slip) => slip.id))
    const gone: { id: string }[] = []
    for await (const stored of nango.listRecords("HrPayslip")) {
      const isDeleted = stored._nango_metadata.deleted_at !== null
      if (!listed.has(stored.id) && !isDeleted) gone.push({ id: stored.id })
    }
    await nango.batchDelete(gone, "HrPayslip")
    await nango.batchSave(
      data.data.map(({ id, created_at, amount }) => ({ id, month: created_at.slice(0, 7), net: amount })),
      "HrPayslip",
    )
  },
})
