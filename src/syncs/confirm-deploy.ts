import { and, count, eq, isNull } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import { connections } from "../connections/model.ts"
import { listFunctions } from "../functions/functions.ts"
import type { FunctionRow } from "../functions/model.ts"
import { type ConfirmFlows, eventScriptsOf, type Flow, scopeOf } from "../functions/wire.ts"
import { replaceable } from "../functions/wire-deploy.ts"
import { listIntegrations } from "../integrations/integrations.ts"
import { syncs } from "./model.ts"

type SlimAction = { name: string; providerConfigKey: string }
type SlimSync = SlimAction & { connections: number; auto_start: boolean }
type SlimEvent = { providerConfigKey: string; name: string; event: string }

/** What a deploy would change. The official command line reads the length of every list. */
export type Differences = {
  newSyncs: SlimSync[]
  updatedSyncs: SlimSync[]
  deletedSyncs: SlimSync[]
  newActions: SlimAction[]
  updatedActions: SlimAction[]
  deletedActions: SlimAction[]
  deletedModels: string[]
  newOnEventScripts: SlimEvent[]
  updatedOnEventScripts: SlimEvent[]
  deletedOnEventScripts: SlimEvent[]
}

/** A function that is there now, with the key of its integration. */
type Deployed = { row: FunctionRow; key: string }
type World = {
  deployed: Deployed[]
  /** Live connections by the key of their integration. */
  connections: Map<string, number>
  /** Integration id and name of the syncs that some connection has. */
  running: Set<string>
}

/**
 * Compares a deploy with what is deployed, and changes nothing. What is sent and deployed already counts as updated,
 * also when it is the same; a sync that none of its integration's connections has counts as new.
 */
export async function confirmDeploy(ctx: EnvironmentCtx, body: ConfirmFlows): Promise<Differences> {
  const world = await lookAround(ctx)
  const scope = scopeOf(body)
  const open = new Set(
    replaceable(
      body,
      world.deployed.map(({ row }) => row),
    ),
  )
  const removable = world.deployed.filter(
    ({ row, key }) => open.has(row) && (typeof scope !== "object" || key === scope.integration),
  )
  return { ...compareFlows(body, world, removable), ...compareEvents(body, world, removable) }
}

async function lookAround(ctx: EnvironmentCtx): Promise<World> {
  const keys = new Map((await listIntegrations(ctx)).map((row) => [row.id, row.unique_key]))
  const rows = await listFunctions(ctx)
  const counts = await ctx.db
    .select({ id: connections.integration_id, connections: count() })
    .from(connections)
    .where(and(eq(connections.environment_id, ctx.environment.id), isNull(connections.deleted_at)))
    .groupBy(connections.integration_id)
  const running = await ctx.db
    .selectDistinct({ id: syncs.integration_id, name: syncs.name })
    .from(syncs)
    .where(and(eq(syncs.environment_id, ctx.environment.id), isNull(syncs.deleted_at)))
  return {
    deployed: rows.map((row) => ({ row, key: keys.get(row.integration_id) ?? "" })),
    connections: new Map(counts.map((one) => [keys.get(one.id) ?? "", one.connections])),
    running: new Set(running.map(({ id, name }) => `${id}/${name}`)),
  }
}

type EventDifferences = Pick<Differences, "newOnEventScripts" | "updatedOnEventScripts" | "deletedOnEventScripts">
type FlowDifferences = Omit<Differences, keyof EventDifferences>

function compareFlows(body: ConfirmFlows, world: World, removable: Deployed[]): FlowDifferences {
  const found: FlowDifferences = {
    newSyncs: [],
    updatedSyncs: [],
    deletedSyncs: [],
    newActions: [],
    updatedActions: [],
    deletedActions: [],
    deletedModels: [],
  }
  const sent = new Set<FunctionRow>()
  for (const flow of body.flowConfigs) {
    const row = findDeployed(world, { type: flow.type, name: flow.syncName, providerConfigKey: flow.providerConfigKey })
    if (row) sent.add(row)
    addFlow(found, flow, row, world)
  }
  for (const { row, key } of removable.filter((one) => !sent.has(one.row))) {
    const slim = { name: row.name, providerConfigKey: key }
    if (row.type === "action") found.deletedActions.push(slim)
    if (row.type !== "sync") continue
    const auto_start = row.definition.autoStart
    found.deletedSyncs.push({ ...slim, connections: world.connections.get(key) ?? 0, auto_start })
  }
  return found
}

function addFlow(found: FlowDifferences, flow: Flow, row: FunctionRow | undefined, world: World): void {
  const slim = { name: flow.syncName, providerConfigKey: flow.providerConfigKey }
  if (flow.type === "action") {
    found[row ? "updatedActions" : "newActions"].push(slim)
    return
  }
  const sync = { ...slim, connections: world.connections.get(flow.providerConfigKey) ?? 0, auto_start: flow.auto_start }
  const isNew = !row || (sync.connections > 0 && !world.running.has(`${row.integration_id}/${row.name}`))
  found[isNew ? "newSyncs" : "updatedSyncs"].push(sync)
  if (!row || sync.connections === 0) return
  const dropped = (row.definition.models ?? []).filter((model) => !flow.models.includes(model))
  for (const model of dropped) if (!found.deletedModels.includes(model)) found.deletedModels.push(model)
}

/** An event function is told by its event too: one that listens to another event is a new one, and the old one goes. */
function compareEvents(body: ConfirmFlows, world: World, removable: Deployed[]): EventDifferences {
  const found: EventDifferences = { newOnEventScripts: [], updatedOnEventScripts: [], deletedOnEventScripts: [] }
  const kept = new Set<FunctionRow>()
  const scripts = eventScriptsOf(body) ?? []
  for (const { providerConfigKey, name, event } of scripts) {
    const row = findDeployed(world, { type: "on-event", name, providerConfigKey })
    const isSame = row?.definition.event === event
    if (row && isSame) kept.add(row)
    found[isSame ? "updatedOnEventScripts" : "newOnEventScripts"].push({ providerConfigKey, name, event })
  }
  const isSent = (one: Deployed) =>
    scripts.some(({ providerConfigKey, name }) => one.key === providerConfigKey && one.row.name === name)
  const gone = world.deployed.filter((one) => one.row.type === "on-event" && !kept.has(one.row))
  for (const one of gone.filter((one) => removable.includes(one) || isSent(one))) {
    const { name, definition } = one.row
    found.deletedOnEventScripts.push({ providerConfigKey: one.key, name, event: definition.event ?? "" })
  }
  return found
}

function findDeployed(
  { deployed }: World,
  name: { type: FunctionRow["type"]; name: string; providerConfigKey: string },
): FunctionRow | undefined {
  return deployed.find(
    ({ row, key }) => row.type === name.type && row.name === name.name && key === name.providerConfigKey,
  )?.row
}
