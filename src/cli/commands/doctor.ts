import type { Command } from "commander"
import { loadConfig } from "../../app/config.ts"
import type { Cli } from "../context.ts"
import {
  checkConfiguration,
  checkConfinement,
  checkDaemon,
  checkDataDirectory,
  checkPort,
  type Finding,
} from "../doctor.ts"
import { exitCodes } from "../exit.ts"
import { data, paintOut, printable, talk } from "../print.ts"

/** `sluice doctor`: looks at this machine as `sluice serve` would find it, and at the daemon if one answers. */
export function addDoctor(command: Command, cli: Cli): void {
  command
    .option("--data-dir <value>", "data directory to look at (else as `sluice serve` would choose it)")
    .action((options: { dataDir?: string }) => runDoctor(cli, options))
}

async function runDoctor(cli: Cli, options: { dataDir?: string }): Promise<void> {
  const config = loadConfig({ flags: { dataDir: options.dataDir }, env: cli.env })
  const findings: Finding[] = [
    ...checkConfiguration(cli),
    ...checkDataDirectory(config),
    await checkPort(config),
    ...(await checkConfinement()),
    ...(await checkDaemon(cli)),
  ]
  if (cli.options().json) data(JSON.stringify({ findings }))
  else data(findings.map(findingLine).join("\n"))
  const broken = findings.filter((finding) => finding.state === "bad")
  if (broken.length === 0) return
  talk(`${broken.length === 1 ? "1 finding needs" : `${broken.length} findings need`} attention.`)
  cli.end(exitCodes.failed)
}

function findingLine({ state, what, detail }: Finding): string {
  const mark = { ok: paintOut.green("ok  "), note: paintOut.yellow("note"), bad: paintOut.red("bad ") }[state]
  return `${mark}  ${what.padEnd(24)}  ${printable(detail)}`
}
