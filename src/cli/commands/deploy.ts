import type { Command } from "commander"
import { isStyle, isTypeFinding } from "../../functions/check-functions.ts"
import { type Diagnostic, formatDiagnostic } from "../../functions/diagnostics.ts"
import { readProject } from "../../functions/project.ts"
import { checkSources } from "../check.ts"
import { type Answer, ApiError, type Client } from "../client.ts"
import { type Cli, openClient } from "../context.ts"
import { exitCodes } from "../exit.ts"
import { cliFaults } from "../faults.ts"
import { ask, isInteractive } from "../input.ts"
import { data, paintOut, plural, printable, table, talk, withProgress } from "../print.ts"

type Options = {
  yes?: boolean
  dryRun?: boolean
  allowDestructive?: boolean
  integration?: string
  check?: boolean
}
type PlanLine = {
  change: "create" | "update" | "keep" | "delete"
  type: string
  integration: string
  name: string
  detail?: string
}
type Deployed = {
  digest: string
  destructive: boolean
  changes: PlanLine[]
  warnings: Diagnostic[]
  deployed: boolean
}

/** `sluice deploy [dir]` */
export function addDeploy(command: Command, cli: Cli): void {
  command
    .argument("[dir]", "folder of the functions", ".")
    .option("-y, --yes", "do not ask")
    .option("--allow-destructive", "agree to functions and models that disappear")
    .option("--dry-run", "only show the plan; exit 5 when it would change something")
    .option("-i, --integration <id>", "only functions of this integration")
    .option("--no-check", "do not check types first")
    .addHelpText(
      "after",
      "\nWithout a terminal, --yes is needed (else exit 5); for what disappears also --allow-destructive.",
    )
    .action((dir: string, options: Options) => deploy(cli, dir, options))
}

async function deploy(cli: Cli, dir: string, options: Options): Promise<void> {
  const sources = await readProject(dir)
  const files = Object.fromEntries(sources)
  const client = openClient(cli)
  if (options.check !== false) await checkFirst(cli, sources, options.integration)
  const send = (body: object) => post(client, { files, integration: options.integration, ...body })
  const plan = await withProgress("making a plan", send({ mode: "plan" }))
  const changes = plan.body.changes.filter((line) => line.change !== "keep")
  for (const warning of plan.body.warnings) talk(`warning: ${printable(formatDiagnostic(warning))}`)
  if (changes.length === 0 || options.dryRun) {
    print(cli, plan)
    if (changes.length > 0) cli.end(exitCodes.conflict)
    return
  }
  if (cli.options().json) talk(planText(plan.body))
  else data(planText(plan.body))
  await agree(cli, options, plan.body)
  const done = await withProgress("deploying", send({ mode: "apply", expect: plan.body.digest }))
  if (cli.options().json) data(done.text)
  talk(`Deployed: ${plural(changes.length, "change")}.`)
}

/** Lets a project pass whose types and imports are sound; else throws what the daemon would answer. */
async function checkFirst(cli: Cli, files: ReadonlyMap<string, string>, integration?: string): Promise<void> {
  const { errors, warnings } = await checkSources(cli, files, integration)
  if (errors.length > 0) {
    const code = errors.every(isTypeFinding) ? "invalid_types" : "invalid_project"
    const body = { error: { code, message: refusal(errors), payload: { diagnostics: errors } } }
    throw refuse(errors, { status: 400, body: JSON.stringify(body), code })
  }
  // What the bundler warns of comes with the daemon's plan.
  for (const one of warnings.filter((warning) => isTypeFinding(warning) && !isStyle(warning)))
    talk(`warning: ${printable(formatDiagnostic(one))}`)
}

async function post(client: Client, body: object): Promise<Answer<Deployed>> {
  try {
    return await client.call<Deployed>("POST", "/sluice/deploy", { body })
  } catch (error) {
    const diagnostics = error instanceof ApiError ? diagnosticsOf(error) : []
    if (!(error instanceof ApiError) || diagnostics.length === 0) throw error
    throw refuse(diagnostics, error)
  }
}

/** The problems of a project come first, one a line as compilers print them; the sentence follows. */
function refuse(problems: Diagnostic[], answer: { status: number; body: string; code: string }): ApiError {
  for (const one of problems) talk(printable(formatDiagnostic(one)))
  return new ApiError(answer.status, answer.body, { code: answer.code, message: refusal(problems) })
}

const refusal = (problems: Diagnostic[]): string =>
  `${plural(problems.length, "problem")} in the project; nothing was deployed.`

const diagnosticsOf = (error: ApiError): Diagnostic[] =>
  (error.details.payload as { diagnostics?: Diagnostic[] } | undefined)?.diagnostics ?? []

function print(cli: Cli, plan: Answer<Deployed>): void {
  if (cli.options().json) return data(plan.text)
  if (plan.body.changes.length > 0) data(planText(plan.body))
  if (plan.body.changes.every((line) => line.change === "keep")) talk("Nothing to deploy.")
}

const marks = { create: "+", update: "~", keep: "=", delete: "-" }

function planText({ changes }: Deployed): string {
  const paint = { create: paintOut.green, update: paintOut.yellow, keep: paintOut.dim, delete: paintOut.red }
  const text = table(
    ["", "CHANGE", "TYPE", "INTEGRATION", "NAME", "DETAIL"],
    changes.map((line) => [marks[line.change], line.change, line.type, line.integration, line.name, line.detail]),
  )
  const [head = "", ...lines] = text.split("\n")
  return [head, ...lines.map((line, index) => paint[changes[index]?.change ?? "keep"](line))].join("\n")
}

/** Returns when the plan may be carried out; throws `not_confirmed` (exit 5). */
async function agree(cli: Cli, options: Options, plan: Deployed): Promise<void> {
  const agreed = plan.destructive ? options.yes && options.allowDestructive : options.yes
  if (agreed) return
  if (!isInteractive(cli)) {
    throw cliFaults.not_confirmed({
      message: plan.destructive ? "The plan removes functions or models." : "The plan changes something.",
      hint: plan.destructive ? "Add --yes --allow-destructive to carry it out." : "Add --yes to carry it out.",
    })
  }
  const question = plan.destructive ? "This removes functions or models. Deploy all the same?" : "Deploy?"
  if (!(await ask(cli, question))) throw cliFaults.not_confirmed({ message: "Nothing was deployed." })
}
