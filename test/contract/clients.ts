import { Nango } from "@nangohq/node"
import { Nango as Nango042 } from "nango-node-0-42"
import { Nango as Nango040 } from "nango-node-0-40"
import { expect } from "bun:test"
import type { Sluice } from "../helpers/sluice.ts"

/** The official clients, as an owner's server makes them. */
export const client = (sluice: Sluice, key = sluice.key): Nango => new Nango({ host: sluice.url, secretKey: key })
export const client042 = (sluice: Sluice, key = sluice.key): Nango042 =>
  new Nango042({ host: sluice.url, secretKey: key })
export const client040 = (sluice: Sluice, key = sluice.key): Nango040 =>
  new Nango040({ host: sluice.url, secretKey: key })

/** What a client's caller reads from a rejected call. */
export async function refused(call: Promise<unknown>): Promise<{ status: number; error: any; data: any }> {
  try {
    await call
  } catch (error) {
    const { response } = error as { response?: { status: number; data: any } }
    if (!response) throw error
    return { status: response.status, error: response.data?.error, data: response.data }
  }
  throw new Error("The call was expected to be refused.")
}

export async function expectRefused(call: Promise<unknown>, status: number, code: string): Promise<void> {
  const answer = await refused(call)
  expect([answer.status, answer.error?.code]).toEqual([status, code])
}

/** Status and body of the methods that give the whole answer; their types do not say so for all of them. */
export async function answered(call: Promise<unknown>): Promise<[status: number, data: unknown]> {
  const { status, data } = (await call) as { status: number; data: unknown }
  return [status, data]
}
