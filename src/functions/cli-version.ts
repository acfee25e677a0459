import { functionFaults } from "./model.ts"

/** Older ones deploy in a form that is no longer read. */
const oldest = [0, 39, 25] as const

/** Throws `invalid_cli_version` for an official command line that is too old; whatever else calls may pass. */
export function checkCliVersion(headers: Headers): void {
  const found = /^nango-cli\/(\d{1,9})\.(\d{1,9})\.(\d{1,9})/.exec(headers.get("user-agent") ?? "")
  if (!found) return
  const given = found.slice(1).map(Number)
  const at = oldest.findIndex((part, index) => given[index] !== part)
  if (at === -1 || (given[at] ?? 0) > (oldest[at] ?? 0)) return
  const message = `This version of the CLI (${given.join(".")}) is too old: ${oldest.join(".")} or newer is needed.`
  throw functionFaults.invalid_cli_version({ message, hint: "npm install -g nango@latest" })
}
