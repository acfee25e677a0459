import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ensureBuild, executable, runForeground } from "./ensure-build.ts"

/**
 * `npm test [-- files or options of bun test]`: builds if needed, then runs every test against that one build. Tests that
 * were skipped are listed by name; by custom the name of such a test says what is missing and how to get it.
 */
ensureBuild()
const folder = mkdtempSync(join(tmpdir(), "sluice-test-report-"))
const report = join(folder, "report.xml")
const options = ["--timeout=120000", "--reporter=junit", `--reporter-outfile=${report}`]
const env = { ...process.env, SLUICE_TEST_BINARY: process.env.SLUICE_TEST_BINARY ?? executable }
const code = await runForeground([process.execPath, "test", ...options, ...process.argv.slice(2)], env)
printTotals(readReport())
rmSync(folder, { recursive: true, force: true })
process.exit(code)

function readReport(): string {
  try {
    return readFileSync(report, "utf8")
  } catch {
    // A run that was interrupted leaves no report.
    return ""
  }
}

function printTotals(xml: string): void {
  const cases = [...xml.matchAll(/<testcase\s([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)].map((match) => ({
    name: `${attribute(match[1], "file")} ${attribute(match[1], "name")}`,
    body: match[3] ?? "",
  }))
  if (cases.length === 0) return
  const failed = cases.filter((one) => /<(failure|error)\b/.test(one.body))
  const skipped = cases.filter((one) => one.body.includes("<skipped"))
  const passed = cases.length - failed.length - skipped.length
  list("failed", failed)
  list("skipped", skipped)
  process.stderr.write(`\n${passed} passed, ${failed.length} failed, ${skipped.length} skipped\n`)
}

function list(what: string, cases: { name: string }[]): void {
  for (const { name } of cases) process.stderr.write(`${what}: ${name}\n`)
}

function attribute(text: string | undefined, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(text ?? "")?.[1] ?? ""
  return value
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
}
