import * as nodeUrl from "node:url"
import * as zod from "zod"
import { cryptoModule } from "./crypto.ts"
import { ActionError } from "./errors.ts"

type Factory = (config: object) => object

const factory =
  (type: string): Factory =>
  (config) => ({ type, ...config })

/** Only a name that code imports without using it as a value. */
class Placeholder {}

function nangoModule(): Record<string, unknown> {
  const types = ["NangoSync", "NangoAction", "ProxyConfiguration", "CreateActionProps", "CreateActionResponse"]
  const more = ["CreateAnyResponse", "CreateOnEventProps", "CreateOnEventResponse", "CreateSyncProps"]
  const names = [...types, ...more, "CreateSyncResponse"]
  return {
    createSync: factory("sync"),
    createAction: factory("action"),
    createOnEvent: factory("onEvent"),
    ActionError,
    ...Object.fromEntries(names.map((name) => [name, Placeholder])),
  }
}

function urlModule(): Record<string, unknown> {
  const { URL, URLSearchParams, parse, format, resolve, domainToASCII, domainToUnicode } = nodeUrl
  return {
    URL,
    URLSearchParams,
    parse: (...args: Parameters<typeof parse>) => ({ ...parse(...args) }),
    format: (...args: Parameters<typeof format>) => format(...args),
    resolve: (from: string, to: string) => resolve(from, to),
    domainToASCII: (domain: string) => domainToASCII(domain),
    domainToUnicode: (domain: string) => domainToUnicode(domain),
  }
}

/** A default member beside the named ones: bundles reach for either. */
function withDefault(members: Record<string, unknown>): Record<string, unknown> {
  const table: Record<string, unknown> = { ...members }
  table.default = table
  return Object.defineProperty(table, "__esModule", { value: true })
}

const zodModule = (): Record<string, unknown> => {
  const table: Record<string, unknown> = { ...zod, default: zod.z }
  return Object.defineProperty(table, "__esModule", { value: true })
}

/**
 * The modules that a function can require.
 * @throws Error (from the returned function) naming the module and those that can be imported
 */
export function createRequire(): (name: unknown) => unknown {
  const url = withDefault(urlModule())
  const crypto = withDefault(cryptoModule())
  const modules = new Map<string, unknown>([
    ["nango", withDefault(nangoModule())],
    ["zod", zodModule()],
    ["crypto", crypto],
    ["node:crypto", crypto],
    ["url", url],
    ["node:url", url],
  ])
  return (name) => {
    const found = modules.get(String(name))
    if (found) return found
    throw new Error(
      `Import of "${String(name)}" is not allowed; a function can import ${[...modules.keys()].join(", ")}`,
    )
  }
}
