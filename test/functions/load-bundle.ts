import * as crypto from "node:crypto"
import * as url from "node:url"
import vm from "node:vm"
import * as zod from "zod"
import { bundleFunction, type BundleResult } from "../../src/functions/bundle.ts"

const factory = (type: string) => (props: object) => ({ type, ...props })

const MODULES: Record<string, unknown> = {
  nango: {
    createSync: factory("sync"),
    createAction: factory("action"),
    createOnEvent: factory("onEvent"),
  },
  zod: { ...zod, default: zod.z, __esModule: true },
  crypto: { ...crypto, default: crypto },
  "node:crypto": { ...crypto, default: crypto },
  url: { ...url, default: url },
  "node:url": { ...url, default: url },
  soap: { default: { createClientAsync: () => "client" }, security: { WSSecurity: "ws" }, __esModule: true },
  unzipper: { default: { Open: "open" }, __esModule: true },
}

/** Bundles files given as an object; the first one is the entry unless another is named. */
export function bundle(files: Record<string, string>, entry = Object.keys(files)[0] ?? ""): Promise<BundleResult> {
  return bundleFunction({ files: new Map(Object.entries(files)), entry })
}

/** Findings as `file:line:column code`, for tables. */
export function places(result: BundleResult): string[] {
  if (result.ok) return []
  return result.errors.map((one) => `${one.file}:${one.line}:${one.column} ${one.code}`)
}

class ActionError extends Error {}

/** Runs a bundle in an empty context that has nothing but `require` of the allowed modules and two classes. */
export function loadBundle(result: BundleResult, filename = "function.cjs"): Record<string, any> {
  if (!result.ok) throw new Error(`the bundle failed: ${places(result).join(", ")}`)
  const module = { exports: {} as Record<string, any> }
  const require = (name: string) => {
    if (!Object.hasOwn(MODULES, name)) throw new Error(`module ${name} was asked for`)
    return MODULES[name]
  }
  vm.runInNewContext(result.code, { module, exports: module.exports, require, Error, ActionError }, { filename })
  return module.exports
}
