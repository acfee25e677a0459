import pc from "picocolors"

/** Talk goes to stderr, so that stdout stays data. */
export function talk(text: string): void {
  process.stderr.write(`${text}\n`)
}

export function data(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`)
}

/** Answers when the text has been taken, so that a slow reader holds up whoever makes more of it. */
export function dataTaken(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()))
}

/** Colours only for a person who looks at a terminal and did not decline them (https://no-color.org). */
const colours = (stream: { isTTY?: boolean }) =>
  pc.createColors(stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb")

export const paintOut = colours(process.stdout)
export const paintErr = colours(process.stderr)

// oxlint-disable-next-line no-control-regex -- what a provider or a stranger wrote must not steer the terminal
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Text from outside for a terminal: line ends and tabs stay, whatever else steers a terminal is replaced. */
export const printable = (text: string): string => text.replace(control, "\ufffd")

export type Cell = string | number | boolean | null | undefined

const longestCell = 60

/** Columns aligned for people. Long cells are cut on a terminal and whole in a file or pipe. */
export function table(headers: string[], rows: Cell[][]): string {
  const cells = rows.map((row) => headers.map((_, column) => toText(row[column])))
  const widths = headers.map((header, column) =>
    Math.max(Bun.stringWidth(header), ...cells.map((row) => Bun.stringWidth(row[column] ?? ""))),
  )
  const head = alignRow(headers, widths)
  return [paintOut.bold(head), ...cells.map((row) => alignRow(row, widths))].join("\n")
}

/** Names and values, one pair a line. */
export function pairs(rows: [name: string, value: Cell][]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows
    .map(([name, value]) => `${paintOut.dim(name.padEnd(width))}  ${printable(String(value ?? "") || "-")}`)
    .join("\n")
}

/** A time of the API in the form that people read, still in UTC. */
export const readableTime = (iso: string | null | undefined): string =>
  iso ? iso.replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)$/, "Z") : "-"

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

function toText(cell: Cell): string {
  if (cell === null || cell === undefined || cell === "") return "-"
  const text = printable(String(cell)).replace(/[\n\t]+/g, " ")
  if (!process.stdout.isTTY || Bun.stringWidth(text) <= longestCell) return text
  return `${Array.from(text)
    .slice(0, longestCell - 1)
    .join("")}…`
}

function alignRow(cells: string[], widths: number[]): string {
  return cells
    .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - Bun.stringWidth(cell))))
    .join("  ")
    .trimEnd()
}

const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

/** Shows a moving line on a terminal while `work` takes longer than a second; elsewhere nothing. */
export async function withProgress<T>(what: string, work: Promise<T>): Promise<T> {
  if (!process.stderr.isTTY) return work
  const started = Date.now()
  const timer = setInterval(() => {
    const seconds = Math.floor((Date.now() - started) / 1000)
    if (seconds < 1) return
    const frame = frames[Math.floor(Date.now() / 100) % frames.length]
    process.stderr.write(`\r${frame} ${what} ${paintErr.dim(`${seconds} s`)}`)
  }, 100)
  try {
    return await work
  } finally {
    clearInterval(timer)
    process.stderr.write("\r\u001b[2K")
  }
}
