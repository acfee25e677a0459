/** The members of `assert` that soap uses. */
export function ok(value: unknown, message?: string): void {
  if (!value) throw new Error(message ?? "The assertion failed")
}

export function equal(actual: unknown, expected: unknown, message?: string): void {
  ok(actual === expected, message)
}
