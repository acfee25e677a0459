import { Command, CommanderError } from "commander"
import { AppError, messageOf } from "../kit/errors.ts"
import { version } from "../kit/version.ts"
import { addServe } from "./commands/serve.ts"
import { exitCodes, exitCodeOf } from "./exit.ts"
import { talk } from "./print.ts"

/** Runs one command and answers the exit code. stdout is data, stderr is talk. */
export async function runCli(argv: string[]): Promise<number> {
  const program = new Command("sluice")
    .description("One executable that runs all your product integrations.")
    .version(version, "-v, --version")
    .showHelpAfterError("(sluice --help lists every command)")
    .exitOverride()
  let code = 0
  const done = (result: number) => {
    code = result
  }
  addServe(program, done)
  try {
    await program.parseAsync(argv, { from: "user" })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
    talk(`error: ${messageOf(error)}`)
    if (error instanceof AppError && error.details.hint) talk(`hint: ${error.details.hint}`)
    return exitCodeOf(error)
  }
}
