import { z } from "zod"

/** One thing that an answer says; all members must fit. Without a path the whole body is looked at. */
export const Outcome = z.strictObject({
  path: z.string().optional(),
  equals: z.union([z.string(), z.number(), z.boolean()]).optional(),
  /** Regular expression, tried on the text of the value. */
  matches: z.string().optional(),
  missing: z.literal(true).optional(),
})
export type Outcome = z.infer<typeof Outcome>
