import type { Command } from "commander"
import { loadConfig } from "../../app/config.ts"
import { type Setting, type SettingKey, settings } from "../../app/settings.ts"
import type { Cli } from "../context.ts"
import { data, table } from "../print.ts"

/** `sluice config …` */
export function addConfig(command: Command, cli: Cli): void {
  command
    .command("show")
    .description("each setting of `sluice serve`, its value, and where that came from; secrets are not shown")
    .action(() => showConfig(cli))
}

function showConfig(cli: Cli): void {
  const config = loadConfig({ flags: {}, env: cli.env })
  const rows = Object.entries(settings as Record<SettingKey, Setting>).map(([key, setting]) => {
    const value: unknown = config[key as SettingKey]
    const from = config.origins[key as SettingKey]
    const isHidden = setting.secret === true && from !== "default"
    return {
      setting: key,
      name: setting.name,
      value: isHidden ? "[set]" : value,
      from,
    }
  })
  if (cli.options().json) return data(JSON.stringify({ settings: rows }))
  data(
    table(
      ["SETTING", "VALUE", "FROM", "VARIABLE"],
      rows.map(({ setting, value, from, name }) => [setting, textOf(value), from, name]),
    ),
  )
}

const textOf = (value: unknown): string | undefined =>
  Array.isArray(value) ? value.join(",") : typeof value === "string" ? value : JSON.stringify(value)
