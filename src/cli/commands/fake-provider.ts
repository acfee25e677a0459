import type { Command } from "commander"
import { type FakeProviderOptions, fakeErrors, type SendWebhook } from "../../fake-provider/model.ts"
import { startFakeProvider } from "../../fake-provider/server.ts"
import { parseAllowList } from "../../kit/address.ts"
import { AppError } from "../../kit/errors.ts"
import { createEgress } from "../../kit/fetch.ts"
import type { Cli } from "../context.ts"
import { cliFaults } from "../faults.ts"
import { collectPair, collectText, readJsonInput, readJsonObject, wholeNumber } from "../input.ts"
import { data, talk } from "../print.ts"

type Options = Omit<FakeProviderOptions, "aliases" | "faults" | "oauth" | "latencyMs"> & {
  alias?: Record<string, string>
  fault?: string[]
  latency?: number
  oauth?: string
}

/** `sluice fake-provider`: runs until a signal. */
export function addFakeProvider(command: Command, cli: Cli): void {
  command
    .option("--port <port>", "port to listen on; 0 takes a free one", wholeNumber)
    .option("--host <address>", "address to listen on")
    .option("--seed <number>", "the same seed gives the same items and tokens", wholeNumber)
    .option("--data <file>", "recorded requests and answers to serve")
    .option("--origin <url>", "origin inside the recording that is replaced by this server's")
    .option("--prefix <path>", "path that clients may put before every path")
    .option("--alias <from=to>", "answer a path with what was recorded for another; repeatable", collectPair)
    .option("--items <count>", "size of generated collections", wholeNumber)
    .option("--item-bytes <bytes>", "size of one generated item", wholeNumber)
    .option("--clock <clock>", "where times of changes come from: fixed or real")
    .option("--fault <json>", "a fault rule: JSON or @file; repeatable", collectText)
    .option("--latency <ms>", "delay of every answer", wholeNumber)
    .option("--oauth <json>", "OAuth2 server: JSON or @file (clients, expiresIn, rotate, answer, …)")
    .option("--max-seen <count>", "requests that /__requests remembers", wholeNumber)
    .addHelpText("after", examples)
    .action((options: Options) => runFakeProvider(cli, options))
}

const examples = `
Examples:
  sluice fake-provider --items 250 --port 4000
  sluice fake-provider --data recorded.json --alias /issues=/repos/octocat/hello/issues
  sluice fake-provider --fault '{"match":{"path":"/items"},"every":3,"status":429,"headers":{"retry-after":"1"}}'
  curl -X POST localhost:4000/__control -d '{"mutate":{"update":2,"delete":1,"create":3}}'`

async function runFakeProvider(cli: Cli, options: Options): Promise<void> {
  const signal = cli.signal()
  const egress = createEgress({ allow: parseAllowList(["127.0.0.0/8", "::1", "localhost"]) })
  const fake = await startOrExplain(toFakeOptions(options, sender(egress.send)))
  const { url, port } = fake
  data(cli.options().json ? JSON.stringify({ url, port, pid: process.pid }) : url)
  talk("It runs until Ctrl-C. GET /__state and /__requests show it, POST /__control changes it.")
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }))
  await fake.stop()
  egress.close()
}

function toFakeOptions({ alias, fault, latency, oauth, ...plain }: Options, send: SendWebhook): FakeProviderOptions {
  const given = {
    ...plain,
    aliases: alias,
    faults: fault?.map((text) => readJsonObject("--fault", text)),
    latencyMs: latency,
    oauth: oauth === undefined ? undefined : (readJsonInput("--oauth", oauth) as FakeProviderOptions["oauth"]),
  }
  return { ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), send }
}

const sender =
  (send: ReturnType<typeof createEgress>["send"]): SendWebhook =>
  async (url, init) => {
    const response = await send({ url, ...init, redirect: "manual" })
    await response.body?.cancel()
    return { status: response.status }
  }

async function startOrExplain(options: FakeProviderOptions) {
  try {
    return await startFakeProvider(options)
  } catch (cause) {
    // What was typed is wrong: that is a usage error, not a failure.
    if (cause instanceof AppError && cause.code === "invalid_options") {
      const { message, details } = cause
      throw cliFaults.usage_input({ message, errors: details.errors, hint: "sluice fake-provider --help", cause })
    }
    if ((cause as { code?: string }).code === "EADDRINUSE") {
      throw fakeErrors.invalid_options({
        message: `Port ${options.port} is in use.`,
        hint: "sluice fake-provider --port 0 takes a free one.",
        cause,
      })
    }
    throw cause
  }
}
