import { diffJson, type Difference } from "../fixtures/compare.ts"
import type { Counts, DryChange, DryEvent, DrySummary } from "../fixtures/events.ts"
import type { RunError } from "../runner/protocol.ts"
import { data, paintErr, paintOut, plural, printable, table, talk } from "./print.ts"

export type DryStart = {
  event: "start"
  name: string
  kind: string
  integration: string
  connection: string
  file: string
  asks: string[]
  warnings: string[]
}
export type DryEnd = { event: "end"; durationMs: number } & DrySummary &
  ({ ok: true; output: unknown } | { ok: false; error: RunError })
export type DryLine = DryStart | DryEvent | DryEnd

type Shown = { change: DryChange; record: unknown; before?: unknown }

/** What a dry run showed so far; records are kept up to a number, so that a long sync does not fill the memory. */
export type DryReport = { all: boolean; models: Map<string, { shown: Shown[]; more: number }>; requests: number }

export const openReport = (all: boolean): DryReport => ({ all, models: new Map(), requests: 0 })

const firstRecords = 10
const longestLine = 2000

/** Tells one event of a dry run as it comes. */
export function reportEvent(report: DryReport, event: DryStart | DryEvent): void {
  switch (event.event) {
    case "start":
      talk(
        `Dry run of the ${event.kind} ${event.integration}/${event.name} on the connection ${printable(event.connection)}`,
      )
      for (const warning of event.warnings) talk(`warning: ${printable(warning)}`)
      return
    case "log":
      return talk(
        cut(
          `${paintLevel(event.level)} ${event.message}${event.detail === undefined ? "" : ` ${JSON.stringify(event.detail)}`}`,
        ),
      )
    case "request": {
      report.requests++
      const ended = event.status === undefined ? paintErr.red(event.error ?? "failed") : paintStatus(event.status)
      return talk(
        cut(
          `${paintErr.dim("http ")} ${event.method} ${event.path} ${ended} ${paintErr.dim(`${event.durationMs} ms`)}`,
        ),
      )
    }
    case "records":
      return reportRecords(report, event)
    case "deletes":
      return talk(`${event.model}: ${plural(event.count, "record")} not seen would be marked as deleted`)
    case "checkpoint":
      return talk(event.checkpoint ? cut(`checkpoint ${JSON.stringify(event.checkpoint)}`) : "checkpoint cleared")
    case "metadata":
      return talk(cut(`metadata would become ${JSON.stringify(event.metadata)}`))
    default:
  }
}

const verbs = { save: "saved", update: "updated", delete: "deleted" }

function reportRecords(report: DryReport, event: Extract<DryEvent, { event: "records" }>): void {
  talk(`${event.model}: ${plural(event.records.length, "record")} would be ${verbs[event.action]}`)
  const kept = report.models.get(event.model) ?? { shown: [], more: 0 }
  report.models.set(event.model, kept)
  for (const [at, record] of event.records.entries()) {
    if (!report.all && kept.shown.length >= firstRecords) {
      kept.more += event.records.length - at
      return
    }
    const before = event.before[String((record as { id?: unknown }).id)]
    kept.shown.push({ change: event.changes[at] ?? "unknown", record, before })
  }
}

/** Prints what came of a dry run: records and counts, or the output, and how a failure came about. */
export function reportEnd(report: DryReport, kind: string, end: DryEnd): void {
  if (kind === "sync" || kind === "webhook") {
    for (const [model, kept] of report.models) data([paintOut.bold(model), ...recordLines(kept)].join("\n"))
    const rows = Object.entries(end.counts)
    if (rows.length > 0) data(table(["MODEL", "ADDED", "UPDATED", "DELETED", "UNCHANGED"], rows.map(countRow)))
    else talk("No records.")
  }
  if (end.ok && kind !== "sync" && kind !== "on-event") data(JSON.stringify(end.output ?? null, null, 2))
  if (end.ok) talk(paintErr.green(`The run ended well. Nothing was stored.`))
  else reportError(end.error)
}

const countRow = ([model, { added, updated, deleted, unchanged }]: [string, Counts]) => [
  model,
  String(added),
  String(updated),
  String(deleted),
  String(unchanged),
]

const marks: Record<DryChange, string> = {
  added: "+",
  updated: "~",
  deleted: "-",
  unchanged: "=",
  unknown: "?",
  duplicate: "!",
}

function recordLines({ shown, more }: { shown: Shown[]; more: number }): string[] {
  const lines = shown.flatMap(({ change, record, before }) => {
    const line = printable(`  ${marks[change]} ${JSON.stringify(record)}`)
    return [
      change === "added" ? paintOut.green(line) : change === "deleted" ? paintOut.red(line) : line,
      ...changed(before, record),
    ]
  })
  return more > 0 ? [...lines, `  … ${more} more (--auto-confirm shows all)`] : lines
}

/** Members of a stored record that would change. */
function changed(before: unknown, record: unknown): string[] {
  if (before === undefined) return []
  const found: Difference[] = []
  const { id: _, ...rest } = record as Record<string, unknown>
  const { id: __, ...old } = before as Record<string, unknown>
  diffJson(found, "", old, rest)
  return found
    .slice(0, 10)
    .map(({ path, expected, got }) =>
      printable(`      ${path.slice(1)}: ${JSON.stringify(expected)} → ${JSON.stringify(got)}`),
    )
}

function reportError({ type, message, payload, stack }: RunError): void {
  talk(`${paintErr.red("error:")} ${printable([type, message].filter(Boolean).join(": "))}`)
  const [, ...frames] = (stack ?? "").split("\n")
  for (const frame of frames) talk(`  ${printable(frame)}`)
  const { stacktrace: _, ...rest } = payload
  if (Object.keys(rest).length > 0) talk(printable(cut(`  ${JSON.stringify(rest)}`)))
}

const cut = (text: string): string => printable(text.length > longestLine ? `${text.slice(0, longestLine)}…` : text)
const paintStatus = (status: number): string => (status < 400 ? paintErr.green : paintErr.red)(String(status))
function paintLevel(level: string): string {
  const text = level.padEnd(5)
  return level === "error" ? paintErr.red(text) : level === "warn" ? paintErr.yellow(text) : paintErr.dim(text)
}
