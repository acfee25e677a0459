import type { Command } from "commander"
import { loadConfig } from "../../app/config.ts"
import { type Setting, type SettingKey, settings } from "../../app/settings.ts"
import { keepSmall } from "../../kit/footprint.ts"
import type { Cli } from "../context.ts"
import { exitCodes } from "../exit.ts"
import { talk } from "../print.ts"

/** `sluice serve`: the daemon. Its flags are the settings that have one. */
export function addServe(command: Command, cli: Cli): void {
  const flags = Object.entries(settings as Record<SettingKey, Setting>).filter(([, setting]) => setting.flag)
  for (const [, setting] of flags) command.option(`${setting.flag} <value>`, describeSetting(setting))
  command.configureHelp({ showGlobalOptions: false })
  command.addHelpText("after", () => `\nSettings (environment, or sluice.yaml):\n${settingsHelp()}`)
  command.action(async (options: Record<string, string>) => {
    const given = Object.fromEntries(flags.map(([key, setting]) => [key, options[camel(setting.flag as string)]]))
    cli.end(await serve(loadConfig({ flags: given, env: cli.env })))
  })
}

async function serve(config: ReturnType<typeof loadConfig>): Promise<number> {
  const { createLogger } = await import("../../app/log.ts")
  const { startDaemon } = await import("../../app/daemon.ts")
  const { log, flush } = createLogger(config.logLevel)
  const stopped = Promise.withResolvers<number>()
  // Before it can be reached: a stop that is asked for while it starts comes when it has started.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stopped.resolve(exitCodes.ok))
  const daemon = await startDaemon({
    config,
    log,
    onFatal(error) {
      log.fatal({ err: error }, "the daemon cannot go on")
      stopped.resolve(exitCodes.failed)
    },
  })
  keepSmall()
  if (daemon.newKeys.length > 0) welcome(daemon.newKeys, daemon.url, config.secretKey !== undefined)
  const code = await stopped.promise
  log.info("sluice stops")
  await daemon.stop()
  log.info("sluice has stopped")
  flush()
  return code
}

function welcome(keys: { name: string; secretKey: string }[], url: string, fixed: boolean): void {
  talk("\nA new data directory was made. These secret keys are shown once:\n")
  for (const { name, secretKey } of keys)
    talk(`  ${name.padEnd(5)} ${secretKey}${fixed && name === "dev" ? "   (SLUICE_SECRET_KEY works as well)" : ""}`)
  talk("\nTo go on:\n")
  talk(`  export SLUICE_HOST=${url} SLUICE_SECRET_KEY=${keys[0]?.secretKey ?? "<key>"}`)
  talk("  sluice integrations create github --provider github-pat")
  talk("  sluice deploy ./my-functions\n")
}

function describeSetting(setting: Setting): string {
  const value = Array.isArray(setting.default) ? setting.default.join(",") : setting.default
  return value === undefined || value === ""
    ? setting.help
    : `${setting.help} (default: ${typeof value === "string" ? value : JSON.stringify(value)})`
}

function settingsHelp(): string {
  return Object.values(settings as Record<string, Setting>)
    .map((setting) => `  ${setting.name.padEnd(34)} ${describeSetting(setting)}`)
    .join("\n")
}

const camel = (flag: string): string =>
  flag.replace(/^--/, "").replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
