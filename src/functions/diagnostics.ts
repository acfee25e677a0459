/**
 * One finding about the owner's code. `file` is relative to the project; `line` and `column` count from 1, columns in
 * UTF-16 units. A finding about a whole file stands at 1:1.
 */
export type Diagnostic = {
  file: string
  line: number
  column: number
  code: string
  message: string
}

export type Position = { line: number; column: number }

/** Line and column (both from 1) of an offset in a text. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf("\n") + 1
  let line = 1
  for (let at = before.indexOf("\n"); at !== -1; at = before.indexOf("\n", at + 1)) line++
  return { line, column: offset - lineStart + 1 }
}

export function diagnosticAt(file: string, text: string, offset: number, code: string, message: string): Diagnostic {
  return { file, ...positionAt(text, offset), code, message }
}

/** The one-line form that the CLI prints: `github/syncs/issues.ts:3:16 disallowed_import import of "fs" …`. */
export function formatDiagnostic(finding: Diagnostic): string {
  return `${finding.file}:${finding.line}:${finding.column} ${finding.code} ${finding.message}`
}
