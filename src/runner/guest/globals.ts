import { createContext, runInContext } from "node:vm"
import type { Context } from "node:vm"
import { z } from "zod"
import { Controller, Signal } from "./abort.ts"
import { webCrypto } from "./crypto.ts"
import { ActionError } from "./errors.ts"
import { createTimers } from "./timers.ts"

export type GuestRealm = {
  context: Context
  /** JSON.parse of the guest's realm. */
  parse: (text: string) => unknown
}

/** Names of the engine's own that a function has no use for, and that are doors in some engine or other. */
const removed = ["WebAssembly", "ShadowRealm", "SharedArrayBuffer", "Atomics"]

// Runs inside the new realm, before anything of the function. The realm's own errors become heirs of the one `Error`
// that both sides share, so that `instanceof Error` holds for all of them.
const prepare = `"use strict";
(function (HostError, removed) {
  for (const name of ["EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError",
    "AggregateError", "SuppressedError"]) {
    const type = globalThis[name]
    if (typeof type !== "function") continue
    Object.setPrototypeOf(type, HostError)
    Object.setPrototypeOf(type.prototype, HostError.prototype)
  }
  for (const name of removed) delete globalThis[name]
  Object.defineProperty(globalThis, "constructor", { value: undefined })
  return JSON.parse
})`

/** Classes and tables of this side that a function holds; the lockdown starts from them. */
export function sharedObjects(): Record<string, object> {
  return {
    ...{ Buffer, URL, URLSearchParams, Error, Date, TextEncoder, TextDecoder, Headers, Blob, FormData },
    ...{ ArrayBuffer, DataView, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array },
    ...{ Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array },
    ...{ AbortController: Controller, AbortSignal: Signal, ActionError },
  }
}

/**
 * Makes the realm that a function lives in: the language, the documented globals, a harmless superset, and nothing else.
 * @param fail takes what a timer's callback throws
 */
export function createGuestRealm(require: (name: unknown) => unknown, fail: (error: unknown) => void): GuestRealm {
  const globals: Record<string, unknown> = {
    ...sharedObjects(),
    ...createTimers(fail),
    console: silentConsole(),
    require,
    z,
    crypto: webCrypto(),
    atob: (text: string) => atob(text),
    btoa: (text: string) => btoa(text),
    structuredClone: (value: unknown) => structuredClone(value),
    performance: { now: () => performance.now(), timeOrigin: performance.timeOrigin },
  }
  const sandbox = Object.assign(Object.create(null), globals) as Context
  const context = createContext(sandbox, { codeGeneration: { strings: false, wasm: false } })
  const setUp = runInContext(prepare, context, { filename: "realm" }) as (
    error: ErrorConstructor,
    removed: string[],
  ) => (text: string) => unknown
  const parse = setUp(Error, removed)
  return { context, parse: (text) => parse(text) }
}

function silentConsole(): Record<string, () => void> {
  const names = ["log", "info", "warn", "error", "debug", "trace", "dir", "dirxml", "table", "group", "groupCollapsed"]
  const more = [
    "groupEnd",
    "time",
    "timeEnd",
    "timeLog",
    "count",
    "countReset",
    "assert",
    "clear",
    "profile",
    "profileEnd",
  ]
  return Object.fromEntries([...names, ...more].map((name) => [name, () => undefined]))
}
