import { createInterface } from "node:readline"
import { InvalidArgumentError } from "commander"
import { type Cli, readTextFile } from "./context.ts"
import { cliFaults } from "./faults.ts"

/** A JSON value given as text, as `@file`, or as `-` for stdin. Throws `usage_input`. */
export function readJsonInput(name: string, text: string): unknown {
  const source = text === "-" ? readTextFile("-") : text.startsWith("@") ? readTextFile(text.slice(1)) : text
  try {
    return JSON.parse(source)
  } catch (cause) {
    throw cliFaults.usage_input({
      message: `${name} is not JSON: ${(cause as Error).message}`,
      hint: `${name} '{"key": "value"}', ${name} @file.json, or ${name} - to read stdin`,
      cause,
    })
  }
}

/** As `readJsonInput`, but a text that is not JSON stands for itself. */
export function readJsonOrText(name: string, text: string): unknown {
  const isPlain = text !== "-" && !text.startsWith("@") && !/^\s*[[{"]/.test(text)
  if (!isPlain) return readJsonInput(name, text)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export function readJsonObject(name: string, text: string): Record<string, unknown> {
  const value = readJsonInput(name, text)
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw cliFaults.usage_input({ message: `${name} must be a JSON object.`, hint: `${name} '{"key": "value"}'` })
}

/** A secret given as text, as `-` for stdin, or in a file, so that it need not stand in the shell's history. */
export function readSecret(text: string | undefined, file: string | undefined): string | undefined {
  if (file !== undefined) return readTextFile(file)
  return text === "-" ? readTextFile("-") : text
}

/** For an option that is given as `name=value`, once or more. */
export function collectPair(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf("=")
  if (at < 1) throw new InvalidArgumentError("It must look like name=value.")
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

export const collectText = (text: string, before: string[] = []): string[] => [...before, text]

export function wholeNumber(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.")
  return Number(text)
}

/** Whether somebody is there who can be asked. */
export const isInteractive = (cli: Cli): boolean =>
  cli.options().input !== false && process.stdin.isTTY && process.stderr.isTTY

/** Asks on stderr; only `y` or `yes` agrees. Throws `interrupted` on Ctrl-C. */
export async function ask(cli: Cli, question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const answer = Promise.withResolvers<string>()
  lines.on("SIGINT", () => answer.reject(cliFaults.interrupted()))
  lines.on("close", () => answer.resolve(""))
  cli.signal().addEventListener("abort", () => answer.reject(cliFaults.interrupted()), { once: true })
  lines.question(`${question} [y/N] `, answer.resolve)
  try {
    return /^y(es)?$/i.test((await answer.promise).trim())
  } finally {
    lines.close()
  }
}

/** Lets pass what was confirmed with `--yes` or is confirmed now. Throws `usage_confirmation` when nobody can be asked. */
export async function confirmOrThrow(cli: Cli, yes: boolean | undefined, what: string): Promise<boolean> {
  if (yes) return true
  if (isInteractive(cli)) return ask(cli, what)
  throw cliFaults.usage_confirmation({ message: `${what} Nobody can be asked here.`, hint: "Add --yes to confirm." })
}
