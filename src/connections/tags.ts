import type { EndUserInput } from "../kit/shapes.ts"
import type { EndUser } from "./model.ts"

const mostTags = 10
const legalKey = /^[a-zA-Z][a-zA-Z0-9_\-./]*$/

/** The tags that follow from who the end user is; explicit tags win over them. */
export function deriveTags(endUser: EndUser | null, explicit: Record<string, string>): Record<string, string> {
  const own: Record<string, string> = {}
  if (endUser) {
    own.end_user_id = endUser.id
    if (endUser.email) own.end_user_email = endUser.email
    if (endUser.display_name) own.end_user_display_name = endUser.display_name
    if (endUser.organization) own.organization_id = endUser.organization.id
    if (endUser.organization?.display_name) own.organization_display_name = endUser.organization.display_name
  }
  const tags = { ...own, ...explicit }
  // What would pass the limit is dropped from the end user's own tags first.
  for (const [key, value] of Object.entries(endUser?.tags ?? {})) {
    const name = key.toLowerCase().slice(0, 64)
    if (!legalKey.test(name) || value === "" || Object.hasOwn(tags, name)) continue
    if (Object.keys(tags).length < mostTags) tags[name] = value.slice(0, 255)
  }
  return tags
}

/** The tags that do not follow from who the end user is. */
export function explicitTags(endUser: EndUser | null, tags: Record<string, string>): Record<string, string> {
  const derived = deriveTags(endUser, {})
  return Object.fromEntries(Object.entries(tags).filter(([key, value]) => derived[key] !== value))
}

export function toEndUser(input: EndUserInput, organization?: { id: string; display_name?: string }): EndUser {
  return {
    id: input.id,
    display_name: input.display_name ?? null,
    email: input.email ?? null,
    tags: input.tags ?? null,
    organization: organization ? { id: organization.id, display_name: organization.display_name ?? null } : null,
  }
}
