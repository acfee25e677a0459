import { z } from "zod"
import type { Mode } from "../mode.ts"
import { readTyped } from "../typed.ts"

const Typed = z.object({ apiKey: z.string().min(1).max(1024) })

/** One secret text; the provider's entry says where it goes. */
export const apiKey: Mode = {
  stores: ["API_KEY"],
  verified: true,
  open: [],
  typed: async (_, __, input) => ({ credentials: { type: "API_KEY", ...readTyped(Typed, input) } }),
}
