import type { Places } from "../queue/claim.ts"
import type { Config } from "./config.ts"

/** Deliveries wait on strangers for up to twenty seconds each: they have places of their own, so that no run waits for them. */
export const placesOf = (config: Config): Places[] => [
  { kinds: ["sync", "webhook", "event"], most: config.syncConcurrency },
  { kinds: ["action"], most: config.syncConcurrency },
  { kinds: ["credentials"], most: 1 },
  { kinds: ["lookup"], most: 8 },
  { kinds: ["delivery"], most: 128 },
]

/** A receiver that hangs holds up only what is sent to it. */
export const limitOf = (config: Config, group: string): number =>
  group.startsWith("delivery:") ? 16 : config.syncConcurrency
