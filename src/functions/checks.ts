import { type Diagnostic, diagnosticAt } from "./diagnostics.ts"
import { type Token, tokenize } from "./tokens.ts"

/** `legacy`: the file uses no factory, so its default export can only be a plain function. */
export type EntryCheck = {
  errors: Diagnostic[]
  warnings: Diagnostic[]
  features: string[]
  legacy: boolean
}

const FACTORIES = new Set(["createSync", "createAction", "createOnEvent"])
const ALLOWED_EXPORTS = new Set([...FACTORIES, "createFunction", "onWebhookPayloadReceived"])
const CHECKPOINT_CALLS = new Set(["getCheckpoint", "saveCheckpoint", "clearCheckpoint"])
const AWAITED_CALLS = new Set(
  (
    "batchDelete batchSave batchSend delete deleteRecordsFromPreviousExecutions get getConnection " +
    "getEnvironmentVariables getFieldMapping getMetadata log patch post proxy put setFieldMapping " +
    "setMergingStrategy setMetadata trackDeletesEnd trackDeletesStart triggerAction"
  ).split(" "),
)
/** Bounds of what is looked at, so that hostile text stays cheap. Reach is in tokens. */
const MAX_FINDINGS = 100
const MAX_CALLS = 2000
const MAX_REACH = 5000
const DECLARATORS = new Set(["const", "let", "var", "function", "class", "async", "enum"])

/**
 * Looks at an entry file's shape. Only a default export that can be no function is an error (the run that describes
 * the function has the last word on the rest); style findings are warnings.
 */
export function checkEntry(file: string, source: string): EntryCheck {
  const tokens = tokenize(source)
  const used = new Set(tokens.filter((token) => token.kind === "name").map((token) => token.text))
  return {
    errors: checkDefaultExport(file, source, tokens),
    warnings: [...checkNamedExports(file, source, tokens), ...checkCalls(file, source, tokens)],
    features: [...CHECKPOINT_CALLS].some((name) => used.has(name)) ? ["checkpoints"] : [],
    legacy: ![...FACTORIES].some((name) => used.has(name)),
  }
}

function checkDefaultExport(file: string, source: string, tokens: Token[]): Diagnostic[] {
  const code = "nango_invalid_default_export"
  const wanted = "the default export must be createSync(…), createAction(…), createOnEvent(…) or a function"
  const at = tokens.findIndex((token, index) => token.text === "export" && tokens[index + 1]?.text === "default")
  if (at === -1) {
    if (exportsDefaultByName(tokens)) return []
    return [
      {
        file,
        line: 1,
        column: 1,
        code,
        message: `there is no default export; ${wanted}`,
      },
    ]
  }
  if (isFunctionAt(tokens, at + 2)) return checkParameter(file, source, tokens, at + 2)
  const name = tokens[at + 2]
  if (name?.kind === "name" && !["new", "class", "null", "true", "false", "await"].includes(name.text)) {
    const declared = findDeclaration(tokens, name.text)
    if (declared === undefined || isFunctionAt(tokens, declared)) {
      return declared === undefined ? [] : checkParameter(file, source, tokens, declared)
    }
  }
  return [diagnosticAt(file, source, name?.at ?? 0, code, wanted)]
}

function exportsDefaultByName(tokens: Token[]): boolean {
  return tokens.some(
    (token, index) =>
      token.text === "default" && [",", "}"].includes(tokens[index + 1]?.text ?? "") && tokens[index - 1]?.text !== ".",
  )
}

/** Whether the expression at this index is a factory call or a function (classic, arrow or async). */
function isFunctionAt(tokens: Token[], index: number): boolean {
  const text = tokens[index]?.text ?? ""
  if (FACTORIES.has(text)) return true
  if (text === "function" || text === "async" || text === "(" || text === "<") return true
  if (tokens[index + 1]?.text === "=>") return true
  return (
    tokens[index]?.kind === "name" && tokens[index + 1]?.text === "." && FACTORIES.has(tokens[index + 2]?.text ?? "")
  )
}

function checkParameter(file: string, source: string, tokens: Token[], index: number): Diagnostic[] {
  const call = tokens[index]
  if (call === undefined || !FACTORIES.has(call.text) || tokens[index + 1]?.text !== "(") return []
  const first = tokens[index + 2]
  if (first === undefined || first.text === "{") return []
  const message = `${call.text} takes an object literal`
  return [diagnosticAt(file, source, first.at, "nango_invalid_function_param", message)]
}

/** The index of the initialiser of a `const name = …`, or of `function name`; undefined when it is not declared here. */
function findDeclaration(tokens: Token[], name: string): number | undefined {
  for (let index = 1; index < tokens.length; index++) {
    if (tokens[index]?.text !== name || tokens[index]?.kind !== "name") continue
    const before = tokens[index - 1]?.text ?? ""
    if (before === "function") return index - 1
    if (!["const", "let", "var"].includes(before)) continue
    return skipAnnotation(tokens, index + 1)
  }
  return undefined
}

/** From behind a declared name to its initialiser, over a type annotation. */
function skipAnnotation(tokens: Token[], from: number): number {
  let depth = 0
  for (let index = from; index < tokens.length; index++) {
    const text = tokens[index]?.text ?? ""
    if ("([{<".includes(text)) depth++
    else if (")]}>".includes(text)) depth--
    else if (text === "=" && depth <= 0) return index + 1
  }
  return tokens.length
}

function checkNamedExports(file: string, source: string, tokens: Token[]): Diagnostic[] {
  const findings: Diagnostic[] = []
  tokens.forEach((token, index) => {
    if (findings.length >= MAX_FINDINGS) return
    const next = tokens[index + 1]
    if (token.text !== "export" || token.kind !== "name" || next === undefined || !DECLARATORS.has(next.text)) return
    const name = tokens.slice(index + 2, index + 5).find((one) => one.kind === "name" && one.text !== "function")
    if (name === undefined || ALLOWED_EXPORTS.has(name.text)) return
    const message = `${name.text} is exported; a function file should export only its default and types`
    findings.push(diagnosticAt(file, source, name.at, "nango_named_export_not_allowed", message))
  })
  return findings
}

function checkCalls(file: string, source: string, tokens: Token[]): Diagnostic[] {
  const findings: Diagnostic[] = []
  let calls = 0
  tokens.forEach((token, index) => {
    if (token.text !== "nango" || tokens[index - 1]?.text === "." || tokens[index + 1]?.text !== ".") return
    const method = tokens[index + 2]
    if (method === undefined || tokens[index + 3]?.text !== "(") return
    if (++calls > MAX_CALLS || findings.length >= MAX_FINDINGS) return
    const end = findClose(tokens, index + 3)
    if (AWAITED_CALLS.has(method.text) && !isAwaited(tokens, index, end)) {
      const message = `nango.${method.text}() is not awaited`
      findings.push(diagnosticAt(file, source, token.at, "method_need_await", message))
    }
    const keys = literalKeys(tokens, index + 4, end)
    if (keys?.has("retryOn") && !keys.has("retries") && !keys.has("...")) {
      const message = `nango.${method.text}() has retryOn without retries`
      findings.push(diagnosticAt(file, source, method.at, "retryon_need_retries", message))
    }
  })
  return findings
}

function isAwaited(tokens: Token[], start: number, end: number): boolean {
  const after = tokens[end + 2]?.text ?? ""
  if (tokens[end + 1]?.text === "." && ["then", "catch", "finally"].includes(after)) return true
  for (let index = start - 1; index >= Math.max(0, start - MAX_REACH); index--) {
    const text = tokens[index]?.text ?? ""
    if (text === ";" || text === "{" || text === "}") return false
    if (["await", "return", "yield", "=>"].includes(text)) return true
  }
  return false
}

/** The keys at the top of an object literal that begins at this index (`...` stands for a spread). */
function literalKeys(tokens: Token[], from: number, end: number): Set<string> | undefined {
  if (tokens[from]?.text !== "{") return undefined
  const keys = new Set<string>()
  let depth = 0
  for (let index = from; index < end; index++) {
    const text = tokens[index]?.text ?? ""
    const before = tokens[index - 1]?.text
    if (depth === 1 && (before === "{" || before === ",")) keys.add(tokens[index]?.value ?? text)
    if ("([{".includes(text) || text.endsWith("${")) depth++
    else if (")]}".includes(text)) depth--
  }
  return keys
}

function findClose(tokens: Token[], open: number): number {
  let depth = 0
  const last = Math.min(tokens.length, open + MAX_REACH)
  for (let index = open; index < last; index++) {
    const token = tokens[index]
    if (token?.kind !== "punct") continue
    if ("([{".includes(token.text)) depth++
    else if (")]}".includes(token.text) && --depth === 0) return index
  }
  return last
}
