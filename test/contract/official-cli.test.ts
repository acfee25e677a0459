import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake, syncEnded } from "../helpers/setup.ts"
import { type Sluice, until } from "../helpers/sluice.ts"
import { type OfficialProject, officialProject, type Said } from "./official-cli.ts"
import { type Connection, connectionAt, expectStatus, importConnection, mintIntegration } from "./stage.ts"

const slow = 180_000

const items = (fields = "name: z.string()") => `import { createSync } from 'nango'
import { z } from 'zod'
import { idOf } from '../ids.js'

const Item = z.object({ id: z.string(), ${fields} })

export default createSync({
  description: 'Everything that there is',
  version: '1.0.0',
  frequency: 'every hour',
  autoStart: true,
  models: { Item },
  metadata: z.object({ team: z.string() }),
  exec: async (nango) => {
    const { data } = await nango.get<{ id: string; name: string }[]>({ endpoint: '/items', params: { per_page: '3' } })
    await nango.batchSave(data.map((one) => ({ id: idOf(one.id), name: one.name })), 'Item')
  },
})
`
const ids = "export const idOf = (id: string): string => id.replace('items_', 'item-')\n"
const people = (id = "first") => `import { createSync } from 'nango'
import { z } from 'zod'

const Person = z.object({ id: z.string() })

export default createSync({
  description: 'Somebody',
  frequency: 'every day',
  autoStart: false,
  models: { Person },
  exec: async (nango) => {
    await nango.batchSave([{ id: '${id}' }], 'Person')
  },
  onWebhook: async (nango, payload) => {
    await nango.log(String(payload))
  },
})
`
const echo = (returned: string) => `import { createAction } from 'nango'
import { z } from 'zod'

export default createAction({
  description: 'Says it again',
  input: z.object({ text: z.string() }),
  output: z.object({ text: z.string() }),
  exec: async (nango, input) => {
    await nango.log('asked')
    return { text: ${returned} }
  },
})
`
const fails = `import { createAction } from 'nango'
import { z } from 'zod'

const explode = (): never => {
  throw new Error('it went wrong')
}

export default createAction({
  description: 'Fails',
  input: z.void(),
  output: z.void(),
  exec: async (nango) => {
    await nango.log('before')
    explode()
  },
})
`
const welcome = `import { createOnEvent } from 'nango'
import { z } from 'zod'

export default createOnEvent({
  description: 'Greets',
  event: 'post-connection-creation',
  metadata: z.object({ greeted: z.boolean() }),
  exec: async (nango) => {
    await nango.updateMetadata({ greeted: true })
  },
})
`

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
let project: OfficialProject
let at: Connection
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
  await mintIntegration(sluice, "fake", "fake")
  const { connection_id } = await importConnection(sluice, "fake")
  at = connectionAt(sluice, "fake", connection_id)
  project = officialProject(sluice)
  project.write("fake/ids.ts", ids)
  project.write("fake/syncs/items.ts", items())
  project.write("fake/syncs/people.ts", people())
  project.write("fake/actions/echo.ts", echo("input.text"))
  project.write("fake/actions/fails.ts", fails)
  project.write("fake/on-events/welcome.ts", welcome)
  project.functions(
    "fake/syncs/items",
    "fake/syncs/people",
    "fake/actions/echo",
    "fake/actions/fails",
    "fake/on-events/welcome",
  )
})
afterAll(async () => {
  project.close()
  await world[Symbol.asyncDispose]()
})

const well = (said: Said): Said => {
  if (said.code !== 0) throw new Error(`exit ${said.code}\n${said.stdout}\n${said.stderr}`)
  return said
}
/** Name → version of what is deployed. */
async function versions(): Promise<Record<string, string>> {
  const { body } = expectStatus(await sluice.call("GET", "/scripts/config"), 200)
  const [config] = body as {
    syncs: { name: string; version: string }[]
    actions: { name: string; version: string }[]
  }[]
  return Object.fromEntries(
    [...(config?.syncs ?? []), ...(config?.actions ?? [])].map((one) => [one.name, one.version]),
  )
}
const planned = (text: string, kind: string): number[] => {
  const line = text.split("\n").find((one) => one.includes(`↳ ${kind}`)) ?? ""
  return [...line.matchAll(/\[ (\d+) \]/g)].map(([, count]) => Number(count))
}

test(
  "compile",
  async () => {
    const { stdout } = well(await project.run(["compile"]))
    expect(stdout).toContain("Compiled")
    expect(project.has("build/fake_syncs_items.cjs")).toBe(true)
  },
  slow,
)

test(
  "the first deploy makes everything, and it runs",
  async () => {
    const { stdout } = well(await project.run(["deploy", "dev", "--auto-confirm"]))
    expect(planned(stdout, "Syncs")).toEqual([2, 0, 0])
    expect(planned(stdout, "Actions")).toEqual([2, 0, 0])
    expect(planned(stdout, "OnEvents")).toEqual([1, 0, 0])
    expect(await versions()).toEqual({ items: "1.0.0", people: "1", echo: "1", fails: "1" })

    // It was started by itself, on the connection that was there.
    const ended = await syncEnded(sluice, "items", { connectionId: at.id })
    expect(ended).toMatchObject({ status: "SUCCESS", latestResult: { Item: { added: 3, updated: 0, deleted: 0 } } })
    const { records } = await at.records("Item")
    expect(records.map((record: { id: string }) => record.id)).toEqual([
      "item-00000001",
      "item-00000002",
      "item-00000003",
    ])
    expect(await at.status("people")).toMatchObject({ status: "PAUSED" })
    expect((await at.act("echo", { text: "hello" })).body).toEqual({ text: "hello" })

    // Its event function greets whoever comes now.
    const { connection_id } = await importConnection(sluice, "fake")
    await syncEnded(sluice, "items", { connectionId: connection_id })
    await until(async () => {
      const { body } = await sluice.call("GET", `/connections/${connection_id}?provider_config_key=fake`)
      return body.metadata.greeted === true
    }, "the event function to greet")
    expectStatus(await sluice.call("DELETE", `/connections/${connection_id}?provider_config_key=fake`), 200)
  },
  slow,
)

test(
  "what fails names the owner's file, and the code holds no source map",
  async () => {
    const answer = await at.act("fails")
    expect(answer.status).toBe(500)
    expect(answer.text).toContain("it went wrong")
    expect(answer.text).not.toContain("sourceMappingURL")
    expect(answer.body.error.payload.stacktrace.join("\n")).toContain("fake/actions/fails.ts:")
  },
  slow,
)

test(
  "the same again changes nothing; a change bumps only what has changed",
  async () => {
    const status = await at.status("items")
    const { stdout } = well(await project.run(["deploy", "dev", "--auto-confirm"]))
    expect(planned(stdout, "Syncs")).toEqual([0, 2, 0])
    expect(planned(stdout, "OnEvents")).toEqual([0, 1, 0])
    expect(await versions()).toEqual({ items: "1.0.0", people: "1", echo: "1", fails: "1" })
    expect(await at.status("items")).toEqual(status)

    project.write("fake/actions/echo.ts", echo("input.text.toUpperCase()"))
    project.write("fake/syncs/people.ts", people("second"))
    well(await project.run(["deploy", "dev", "--auto-confirm"]))
    expect(await versions()).toEqual({ items: "1.0.0", people: "2", echo: "2", fails: "1" })
    expect((await at.act("echo", { text: "hello" })).body).toEqual({ text: "HELLO" })
    expect(await at.status("items")).toEqual(status)
  },
  slow,
)

test(
  "one function alone leaves the others where they are",
  async () => {
    project.write("fake/actions/echo.ts", echo("input.text.trim()"))
    well(await project.run(["deploy", "dev", "--auto-confirm", "--action", "echo"]))
    expect(await versions()).toEqual({ items: "1.0.0", people: "2", echo: "3", fails: "1" })
    expect((await at.act("echo", { text: " hello " })).body).toEqual({ text: "hello" })
  },
  slow,
)

test(
  "dryrun of an action and of a sync",
  async () => {
    const input = JSON.stringify({ text: " hi " })
    const action = well(await project.run(["dryrun", "echo", at.id, "-e", "dev", "--input", input, "--validate"]))
    expect(action.stdout).toContain(JSON.stringify({ text: "hi" }, null, 2))

    const before = await at.records("Item")
    const sync = well(await project.run(["dryrun", "items", at.id, "-e", "dev", "--auto-confirm"]))
    expect(sync.stdout).toMatch(/"added": 3/)
    expect(await at.records("Item")).toEqual(before)
  },
  slow,
)

test(
  "what disappears needs --allow-destructive",
  async () => {
    project.functions("fake/syncs/items", "fake/actions/echo")
    const refused = await project.run(["deploy", "dev", "--auto-confirm"], { CI: "1", NANGO_SECRET_KEY: sluice.key })
    expect(refused.code).not.toBe(0)
    expect(planned(refused.stdout, "Syncs")).toEqual([0, 1, 1])
    expect(Object.keys(await versions())).toEqual(["items", "people", "echo", "fails"])

    const { stdout } = well(await project.run(["deploy", "dev", "--auto-confirm", "--allow-destructive"]))
    expect(planned(stdout, "Actions")).toEqual([0, 1, 1])
    expect(planned(stdout, "OnEvents")).toEqual([0, 0, 1])
    expect(await versions()).toEqual({ items: "1.0.0", echo: "3" })
    const { body } = await sluice.call("GET", `/sync/status?syncs=*&provider_config_key=fake`)
    expect(body.syncs.map((one: { name: string }) => one.name)).toEqual(["items"])
  },
  slow,
)

test(
  "an integration that does not exist is named, and nothing is deployed",
  async () => {
    project.write("other/actions/echo.ts", echo("input.text"))
    project.functions("fake/syncs/items", "fake/actions/echo", "other/actions/echo")
    const { code, stdout } = await project.run(["deploy", "dev", "--auto-confirm"])
    expect(code).toBe(11)
    expect(stdout).toContain("unknown_provider_config")
    expect(await versions()).toEqual({ items: "1.0.0", echo: "3" })
  },
  slow,
)

test(
  "an integration without functions is deployed as an empty bundle, which ends no syncs or actions",
  async () => {
    await mintIntegration(sluice, "fake", "second")
    project.functions("fake/syncs/items", "fake/actions/echo")
    const { stdout } = well(await project.run(["deploy", "dev", "--auto-confirm", "--integration", "second"]))
    expect(stdout).toContain("No function changes were deployed.")
    expect(await versions()).toEqual({ items: "1.0.0", echo: "3" })
  },
  slow,
)

test("nothing but this machine was reached for", () => {
  expect(project.reached()).toBe("")
})
