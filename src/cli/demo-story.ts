import type { Client } from "./client.ts"
import { cliFaults } from "./faults.ts"
import { paintErr, plural, talk, withProgress } from "./print.ts"
import type { ShownRecord } from "./record-table.ts"
import { readStatus, waitForRuns } from "./sync-status.ts"

export const demo = {
  integration: "demo",
  connection: "robin",
  sync: "contacts",
  model: "Contact",
  action: "add-contact",
}

/** The integrations that the functions of `examples/` belong to, and their providers. */
const integrations = { demo: "private-api-bearer", github: "github-pat" }

const choice = { integration: demo.integration, connection: demo.connection, names: [demo.sync] }
const names = { "provider-config-key": demo.integration, "connection-id": demo.connection }
const contact = { name: "Robin Doe", email: "robin@example.com", tags: ["demo"] }

export type Shown = { records: ShownRecord[]; changes: ShownRecord[]; action: unknown }

/**
 * What an owner does on the first day, through the API alone: integrations, a connection, functions, a sync, changes at
 * the provider, an incremental sync read from the saved cursor, an action. `see` is told of each result as it comes.
 */
export async function playDemo(input: {
  client: Client
  fake: Client
  files: Record<string, string>
  see: {
    records: (records: ShownRecord[]) => void
    changes: (records: ShownRecord[]) => void
    action: (output: unknown) => void
  }
}): Promise<Shown> {
  const { client, fake, files, see } = input
  await setUp(client, fake)
  await deployExamples(client, files)

  talk("\nThe first sync begins by itself, as soon as there is a connection and a function.")
  await runSync(client, false)
  step(`records list -i ${demo.integration} -c ${demo.connection} -m ${demo.model}`)
  const records = await readFrom(client, undefined)
  see.records(records)

  talk("\nAt the provider three contacts change, two are deleted and two are new.")
  await fake.call("POST", "/__control", { body: { mutate: { update: 3, delete: 2, create: 2 } } })
  step(`syncs trigger ${demo.sync} -i ${demo.integration} -c ${demo.connection} --wait`)
  await runSync(client, true)
  const cursor = records.at(-1)?._nango_metadata.cursor
  step(`records list -i ${demo.integration} -c ${demo.connection} -m ${demo.model} --cursor ${cursor}`)
  const changes = await readFrom(client, cursor)
  see.changes(changes)

  step(
    `actions trigger ${demo.action} -i ${demo.integration} -c ${demo.connection} --input '${JSON.stringify(contact)}'`,
  )
  const body = { action_name: demo.action, input: contact }
  const { body: action } = await client.call<unknown>("POST", "/action/trigger", { headers: names, body })
  see.action(action)
  return { records, changes, action }
}

async function setUp(client: Client, fake: Client): Promise<void> {
  for (const [unique_key, provider] of Object.entries(integrations)) {
    step(`integrations create ${unique_key} --provider ${provider}`)
    await client.call("POST", "/integrations", { body: { unique_key, provider } })
  }
  step(`connections import -i ${demo.integration} -c ${demo.connection} --api-key <key> --config baseUrl=${fake.url}`)
  await client.call("POST", "/connections", {
    body: {
      provider_config_key: demo.integration,
      connection_id: demo.connection,
      credentials: { type: "API_KEY", apiKey: crypto.randomUUID() },
      connection_config: { baseUrl: fake.url },
    },
  })
}

async function deployExamples(client: Client, files: Record<string, string>): Promise<void> {
  step("deploy examples --yes")
  const path = "/sluice/deploy"
  const work = client.call<{ changes: unknown[] }>("POST", path, { body: { files, mode: "apply" } })
  const { body } = await withProgress("deploying", work)
  talk(`${plural(body.changes.length, "function")} deployed.`)
}

/** The first run begins by itself when the functions arrive; later ones are asked for. */
async function runSync(client: Client, trigger: boolean): Promise<void> {
  const before = trigger ? (await readStatus(client, choice)).body.syncs : []
  if (trigger)
    await client.call("POST", "/sync/trigger", {
      body: { syncs: choice.names, provider_config_key: demo.integration, connection_id: demo.connection },
    })
  const { body } = await withProgress("waiting for the sync", waitForRuns(client, choice, before))
  const [sync] = body.syncs
  if (sync?.latestExecutionStatus !== "SUCCESS") {
    throw cliFaults.demo_failed({ message: `The sync ended as ${sync?.latestExecutionStatus ?? "nothing"}.` })
  }
  const { added = 0, updated = 0, deleted = 0 } = sync.latestResult?.[demo.model] ?? {}
  talk(`The sync added ${added}, updated ${updated} and deleted ${deleted} records.`)
}

async function readFrom(client: Client, cursor: string | undefined): Promise<ShownRecord[]> {
  const records: ShownRecord[] = []
  let next = cursor
  do {
    const query = { model: demo.model, cursor: next, limit: 100 }
    const { body } = await client.call<{ records: ShownRecord[]; next_cursor: string | null }>("GET", "/records", {
      headers: names,
      query,
    })
    records.push(...body.records)
    next = body.next_cursor ?? undefined
  } while (next !== undefined)
  return records
}

/** Each step shows the command that does the same. */
const step = (command: string): void => talk(paintErr.dim(`\n$ sluice ${command}`))
