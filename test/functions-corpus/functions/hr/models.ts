import * as z from "zod"

export const HrEmployee = z.object({ id: z.string(), name: z.string(), office: z.string(), salary_band: z.string() })
export type HrEmployee = z.infer<typeof HrEmployee>

export const HrAbsence = z.object({ id: z.string(), person: z.string(), status: z.string(), seen: z.int() })
export type HrAbsence = z.infer<typeof HrAbsence>

export const HrPayslip = z.object({ id: z.string(), month: z.string(), net: z.number() })
export type HrPayslip = z.infer<typeof HrPayslip>

export const HrUnit = z.object({ id: z.string(), name: z.string(), parent: z.string().nullable() })
export type HrUnit = z.infer<typeof HrUnit>
