import { createSync } from "nango"
import * as z from "zod"
import { ShopStock } from "../models.js"

const Level = z.object({
  sku: z.string().transform((sku) => sku.trim().toUpperCase()),
  quantity: z.preprocess((value) => (value === "" ? 0 : value), z.coerce.number().int().min(0)),
})

/** The shop's numbers are texts, sometimes empty, and some rows are beyond repair. */
export default createSync({
  description: "Stock levels",
  version: "1.0.0",
  frequency: "every quarter hour",
  autoStart: false,
  models: { ShopStock },

  exec: async (nango) => {
    const { data } = await nango.get<{ levels: unknown[] }>({ endpoint: "/stock/levels", retries: 3 })
    const rows = data.levels.map((level) => Level.safeParse(level))
    const bad = rows.flatMap((row, at) => (row.success ? [] : [{ at, problem: z.flattenError(row.error).fieldErrors }]))
    if (bad.length > 0) await nango.log(`${bad.length} rows were left out`, { rows: bad }, { level: "warn" })
    const good = rows.flatMap((row) => (row.success ? [{ id: row.data.sku, quantity: row.data.quantity }] : []))
    await nango.batchSave(good, "ShopStock")
  },
})
