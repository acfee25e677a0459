import { z } from "zod"
import type { AuthTarget, Mode } from "../mode.ts"
import { readTyped } from "../typed.ts"

const Part = z.string().max(1024)
const Typed = z.object({ username: Part.optional(), password: Part.optional() })

/** User name and password (RFC 7617). A hidden field of the entry gives the part that a person need not type. */
export const basic: Mode = {
  stores: ["BASIC"],
  verified: true,
  open: ["username"],
  async typed(_, target, input) {
    const { username, password } = readTyped(Typed, input)
    return {
      credentials: {
        type: "BASIC",
        username: username ?? defaultOf(target, "username"),
        password: password ?? defaultOf(target, "password"),
      },
    }
  },
}

function defaultOf({ provider }: AuthTarget, name: string): string {
  const value = provider.credentials?.[name]?.default_value
  return typeof value === "string" ? value : ""
}
