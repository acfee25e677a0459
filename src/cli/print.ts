/** Talk goes to stderr, so that stdout stays data. */
export function talk(text: string): void {
  process.stderr.write(`${text}\n`)
}

export function data(text: string): void {
  process.stdout.write(`${text}\n`)
}
