import * as zod from "zod"
import { cryptoModule } from "./crypto.ts"
import { ActionError } from "./errors.ts"

type Factory = (config: object) => object

const factory =
  (type: string): Factory =>
  (config) => ({ type, ...config })

const { getBuiltinModule } = process

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
  const { URL, URLSearchParams, parse, format, resolve, domainToASCII, domainToUnicode } = getBuiltinModule("node:url")
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

export type Modules = {
  /**
   * What functions get as `require`.
   * @throws Error naming the module and those that can be imported
   */
  require: (name: unknown) => unknown
  /** Adds the libraries of this run: each is evaluated in the function's realm when it is first required. */
  provide: (libraries: Record<string, string>, evaluate: EvaluateLibrary) => void
}

/** Evaluates the CommonJS text of a library and gives its exports. */
export type EvaluateLibrary = (name: string, text: string) => unknown

/** The modules that a function can require. */
export function createModules(): Modules {
  // Made when a function asks: few do, and loading both would be a fifth of what makes a Worker ready.
  let crypto: unknown
  let url: unknown
  const makeCrypto = () => (crypto ??= withDefault(cryptoModule()))
  const makeUrl = () => (url ??= withDefault(urlModule()))
  const modules = new Map<string, unknown>([
    ["nango", withDefault(nangoModule())],
    ["zod", zodModule()],
  ])
  const makers = new Map<string, () => unknown>([
    ["crypto", makeCrypto],
    ["node:crypto", makeCrypto],
    ["url", makeUrl],
    ["node:url", makeUrl],
  ])
  return {
    require(asked) {
      const name = String(asked)
      if (!modules.has(name)) {
        const make = makers.get(name)
        if (!make) throw notAllowed(name, [...modules.keys(), ...makers.keys()])
        modules.set(name, make())
      }
      return modules.get(name)
    },
    provide(libraries, evaluate) {
      for (const [name, text] of Object.entries(libraries)) {
        makers.set(name, () => withDefault(evaluate(name, text) as Record<string, unknown>))
      }
    },
  }
}

function notAllowed(name: string, known: string[]): Error {
  const all = [...new Set([...known, "soap", "unzipper"])].join(", ")
  return new Error(`Import of "${name}" is not allowed; a function can import ${all}`)
}
