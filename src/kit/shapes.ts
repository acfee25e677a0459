import { z } from "zod"
import type { Issue } from "./errors.ts"

/** Ids and texts of the public wire format. All at most 255 characters. */
const named = (pattern: RegExp) => z.string().min(1).max(255).regex(pattern)

export const UniqueKey = named(/^[a-zA-Z0-9~:.@ _-]+$/)
export const ScriptName = named(/^[a-zA-Z0-9_-]+$/)
export const ConnectionId = named(/^[a-zA-Z0-9,.;:=+~[\]|@${}"'\\/_ -]+$/)
export const EnvironmentName = named(/^[a-z0-9_-]+$/)
export const ModelName = named(/^[A-Z][a-zA-Z0-9_-]+$/)

const truthy = ["true", "1", "yes", "y", "on", "enabled"]
const falsy = ["false", "0", "no", "n", "off", "disabled"]
/** A boolean written as text in a query or header, in any case. */
export const BooleanText = z.string().transform((text, ctx) => {
  const word = text.toLowerCase()
  if (truthy.includes(word)) return true
  if (falsy.includes(word)) return false
  ctx.addIssue({ code: "custom", message: "Invalid boolean" })
  return z.NEVER
})

/** One value or several, in a query that repeats the name. */
export const oneOrMany = <T extends z.ZodType>(item: T) => z.union([item.transform((value) => [value]), z.array(item)])

const tagKey = z
  .string()
  .max(64)
  .regex(/^[a-zA-Z][a-zA-Z0-9_\-./]*$/)

type Texts = Record<string, string>

function checkTagKeys(tags: Texts, ctx: z.RefinementCtx): void {
  const keys = Object.keys(tags)
  if (keys.length > 10) ctx.addIssue({ code: "custom", message: "Tags cannot have more than 10 keys" })
  if (new Set(keys.map((key) => key.toLowerCase())).size < keys.length) {
    ctx.addIssue({ code: "custom", message: "Tag keys must be unique (case-insensitive)" })
  }
}

/** Up to ten tags; keys are lower-cased and must stay different. */
export const Tags = z
  .record(tagKey, z.string().min(1).max(255))
  .superRefine((tags, ctx) => {
    checkTagKeys(tags, ctx)
    const email = Object.entries(tags).find(([key]) => key.toLowerCase() === "end_user_email")?.[1]
    if (email !== undefined && !z.email().min(5).safeParse(email).success) {
      ctx.addIssue({ code: "custom", message: "end_user_email must be a valid email", path: ["end_user_email"] })
    }
  })
  .transform((tags) => Object.fromEntries(Object.entries(tags).map(([key, value]) => [key.toLowerCase(), value])))

export const EndUserInput = z.strictObject({
  id: z.string().min(1).max(255),
  email: z.email().min(5).optional(),
  display_name: z.string().max(255).optional(),
  tags: z.record(tagKey, z.string().max(255)).superRefine(checkTagKeys).optional(),
})
export type EndUserInput = z.infer<typeof EndUserInput>

/** Issues as they go over the wire: zod's codes and sentences, path elements as text. */
export const issuesOf = (error: z.ZodError): Issue[] =>
  error.issues.map((issue) => ({ code: issue.code, message: issue.message, path: issue.path.map(String) }))
