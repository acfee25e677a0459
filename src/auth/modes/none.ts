import type { Mode } from "../mode.ts"

/** An API that wants no credentials. */
export const none: Mode = {
  stores: [undefined],
  verified: false,
  open: [],
  typed: async () => ({ credentials: {} }),
}
