import { createAction } from "nango"
import * as z from "zod"
import type { ApiItem } from "../../shared/api-item.js"
import { toEmployee } from "../mappers/employee.js"
import { HrEmployee } from "../models.js"

const Input = z
  .object({
    name: z.string().trim().toLowerCase().optional(),
    bands: z
      .string()
      .default("A,B,C,D")
      .transform((text) => text.split(",").map((band) => band.trim())),
    from: z.coerce.date().optional(),
    to: z.coerce.date().optional(),
  })
  .superRefine(({ from, to }, context) => {
    if (from && to && from > to) context.addIssue({ code: "custom", path: ["to"], message: "ends before it begins" })
  })

/** The parsed input differs from the given one: defaults, lists out of text, dates. */
export default createAction({
  description: "Finds employees",
  version: "1.0.0",
  input: z.unknown(),
  output: z.array(HrEmployee),

  exec: async (nango, input) => {
    const parsed = Input.safeParse(input)
    if (!parsed.success) {
      throw new nango.ActionError({
        type: "invalid_input",
        message: z.prettifyError(parsed.error),
        errors: parsed.error.issues,
      })
    }
    const { name, bands, from, to } = parsed.data
    const params = from ? { updated_since: from.toISOString() } : {}
    const { data } = await nango.get<{ data: ApiItem[] }>({
      endpoint: "/offset/collections/employees",
      params,
      retries: 3,
    })
    return data.data
      .filter((item) => to === undefined || Date.parse(item.created_at) <= to.getTime())
      .map(toEmployee)
      .filter((employee) => bands.includes(employee.salary_band))
      .filter((employee) => name === undefined || employee.name.toLowerCase().includes(name))
  },
})
