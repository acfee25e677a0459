import type { FaultRule } from "../../src/fake-provider/model.ts"
import { crmCases, chatCases, trackerCases } from "./cases-of-people.ts"
import { exampleCases } from "./cases-of-examples.ts"
import { fileCases, hrCases, oldCases, shopCases } from "./cases-of-things.ts"

/** How one function is recorded, and what is tried when it is really run. */
export type Case = {
  /** `<integration>/<function>` */
  at: string
  input?: unknown
  metadata?: Record<string, unknown>
  checkpoint?: Record<string, unknown>
  lastSyncDate?: string
  /** Records the webhook side of the sync with this payload. */
  webhook?: unknown
  /** What the fake provider answers out of turn; most of all, answers that change from one time to the next. */
  faults?: FaultRule[]
  /** Real runs only: a first run that breaks off because of these, before the one that counts. */
  breaksOff?: FaultRule[]
  /** Real runs only: a second run after changes at the provider, and what it must count. */
  again?: {
    collection: string
    update?: number
    delete?: number
    create?: number
    counts: { added: number; updated: number; deleted: number }
  }
  /** Live records after the first run, where the fixture (of a continued run) holds only a part of them. */
  records?: number
}

export type Project = { folder: string; cases: Case[] }

export const projects: Project[] = [
  { folder: "../../examples", cases: exampleCases },
  { folder: "functions", cases: [...crmCases, ...chatCases, ...trackerCases, ...shopCases, ...fileCases, ...hrCases] },
  { folder: "legacy", cases: oldCases },
]

/** Every collection of the fake provider has this many items at first. */
export const itemsAtFirst = 7
