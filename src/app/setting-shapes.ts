import { z } from "zod"
import { AppError } from "../kit/errors.ts"

/** A whole number, also as decimal text. Anything else that JavaScript would take for a number is a slip. */
export const whole = (min: number, max: number) =>
  z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\d{1,15}$/)
          .transform(Number),
      ],
      { error: "Not a whole number" },
    )
    .pipe(z.number().int().min(min).max(max))
export const list = z
  .union([z.string(), z.array(z.string())])
  .transform((value) =>
    (Array.isArray(value) ? value : value.split(",")).map((part) => part.trim()).filter((part) => part !== ""),
  )

/** The check of a room below, in the words of a shape: so its refusal is reported with all others. */
export const passes =
  <T>(check: (value: T) => unknown) =>
  (value: T, ctx: z.RefinementCtx) => {
    try {
      check(value)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      ctx.addIssue({ code: "custom", message: [error.message, error.details.hint].filter(Boolean).join(" ") })
    }
  }
export const flag = z.union([z.boolean(), z.stringbool()])
export const url = z.url({ protocol: /^https?$/ })
export const color = z.string().regex(/^#[0-9a-fA-F]{6}$/, "Not a colour such as #00B2E3")

/** Sources of the CSP directive `frame-ancestors`; keywords may come without their quotes. */
export const frameSources = list
  .pipe(
    z
      .array(
        z
          .string()
          .regex(
            /^('?(self|none)'?|\*|https?:\/\/[a-z0-9.*-]+(:(\d+|\*))?)$/i,
            "Not an origin such as https://app.example.com",
          ),
      )
      .min(1),
  )
  .transform((sources) => sources.map((one) => one.toLowerCase().replace(/^'?(self|none)'?$/, "'$1'")))
