import { type Setting, settings } from "../src/app/settings.ts"

/** The settings as the table of the README. `bun .ci/settings-table.ts` prints it. */
export function settingsTable(): string {
  const rows = Object.entries(settings as Record<string, Setting>).map(([key, setting]) => {
    const names = [setting.name, ...(setting.aliases ?? [])].map((name) => `\`${name}\``).join(" or ")
    const value = Array.isArray(setting.default) ? setting.default.join(",") : setting.default
    const shown = value === undefined || value === "" ? "" : `\`${JSON.stringify(value).replaceAll('"', "")}\``
    return `| ${names} | ${setting.flag ? `\`${setting.flag}\`` : ""} | \`${key}\` | ${shown} | ${setting.help} |`
  })
  return ["| environment | flag | sluice.yaml | default | what |", "|---|---|---|---|---|", ...rows].join("\n")
}

if (import.meta.main) console.log(settingsTable())
