import { z } from "zod"
import type { Ctx } from "../app/context.ts"
import { findConnection, type FoundConnection } from "../connections/connections.ts"
import type { ConnectionHeaders } from "../connections/model.ts"
import { listFunctions } from "../functions/functions.ts"
import type { FunctionRow } from "../functions/model.ts"
import { inputSchemaOf } from "../functions/scripts-config.ts"
import { AppError } from "../kit/errors.ts"
import { runAction } from "./action-run.ts"
import { actionFaults } from "./model.ts"

/*
 * Model Context Protocol, Streamable HTTP without sessions (modelcontextprotocol.io, revision 2025-06-18): the actions of
 * one connection as tools. Each request is answered by one JSON body.
 */

const revisions = ["2025-06-18", "2025-03-26", "2024-11-05"]
const codes = { invalidRequest: -32_600, methodNotFound: -32_601, invalidParams: -32_602, failed: -32_603 }
const longestBatch = 50

const Message = z.looseObject({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string().max(255).optional(),
  params: z.looseObject({}).optional(),
})
type Message = z.output<typeof Message>
const Call = z.looseObject({ name: z.string(), arguments: z.record(z.string(), z.unknown()).optional() })

type Answer = {
  jsonrpc: "2.0"
  id: string | number | null
  result?: unknown
  error?: { code: number; message: string }
}
type Scene = { ctx: Ctx; found: FoundConnection; signal: AbortSignal }

/** The body of an error that belongs to no request. */
export const rpcError = (code: number, message: string) => ({ jsonrpc: "2.0", error: { code, message }, id: null })

/** Answers a message or a batch of them; undefined when nothing of it asks for an answer. Throws `unknown_connection`. */
export async function answerMcp(
  ctx: Ctx,
  input: { headers: z.output<typeof ConnectionHeaders>; body: unknown; signal: AbortSignal },
): Promise<unknown> {
  const { headers, body, signal } = input
  const found = await findConnection(ctx, {
    connectionId: headers["connection-id"],
    providerConfigKey: headers["provider-config-key"],
  })
  if (!found) throw actionFaults.unknown_connection()
  const scene = { ctx, found, signal }
  if (!Array.isArray(body)) return answerMessage(scene, body)
  if (body.length === 0 || body.length > longestBatch)
    return rpcError(codes.invalidRequest, "The batch has no fit size")
  const answers: Answer[] = []
  for (const message of body) {
    const answer = await answerMessage(scene, message)
    if (answer) answers.push(answer)
  }
  return answers.length === 0 ? undefined : answers
}

async function answerMessage(scene: Scene, message: unknown): Promise<Answer | undefined> {
  const parsed = Message.safeParse(message)
  if (!parsed.success) return refuse(null, codes.invalidRequest, "This is not a JSON-RPC 2.0 message")
  const { id, method } = parsed.data
  // What has no id is a notification, what has no method an answer to us: neither is answered.
  if (id === undefined || method === undefined) return undefined
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined
  if (!handler) return refuse(id, codes.methodNotFound, `There is no method ${method}`)
  return handler(scene, parsed.data, id)
}

type Handler = (scene: Scene, message: Message, id: string | number) => Answer | Promise<Answer>
const methods: Record<string, Handler> = {
  initialize: (_scene, { params }, id) => {
    const asked = params?.protocolVersion
    const protocolVersion = revisions.find((revision) => revision === asked) ?? revisions[0]
    const serverInfo = { name: "Nango Connection Tools MCP server", version: "1.0.0" }
    return accept(id, { protocolVersion, capabilities: { tools: {} }, serverInfo })
  },
  ping: (_scene, _message, id) => accept(id, {}),
  "tools/list": async (scene, _message, id) => accept(id, { tools: (await listTools(scene)).map(({ tool }) => tool) }),
  "tools/call": callTool,
}

async function callTool(scene: Scene, { params }: Message, id: string | number): Promise<Answer> {
  const call = Call.safeParse(params)
  if (!call.success)
    return refuse(id, codes.invalidParams, "A call needs the name of a tool and an object of arguments")
  const { name, arguments: args = {} } = call.data
  if (!(await listTools(scene)).some(({ tool }) => tool.name === name))
    return refuse(id, codes.invalidParams, `There is no tool ${name}`)
  try {
    const output = await runAction(scene.ctx, {
      connectionId: scene.found.connection.connection_id,
      providerConfigKey: scene.found.integration.unique_key,
      actionName: name,
      input: JSON.stringify(args),
      signal: scene.signal,
    })
    const text = JSON.stringify(JSON.parse(output ?? "null"), null, 2)
    return accept(id, { content: [{ type: "text", text }] })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { payload } = error.details
    return refuse(id, codes.failed, JSON.stringify({ type: error.code, message: error.message, payload }))
  }
}

/** The enabled actions whose input is an object, or that take none. */
async function listTools({ ctx, found }: Scene) {
  const rows = await listFunctions(ctx, { integrationId: found.integration.id, type: "action" })
  return rows.filter((row) => row.enabled).flatMap(toTool)
}

function toTool(row: FunctionRow) {
  const { name, definition } = row
  const schema = inputSchemaOf(row)
  if (schema && schema.type !== "object" && schema.type !== "null") return []
  const { properties = {}, required = [], description } = schema ?? {}
  const inputSchema = { type: "object", properties, required, description }
  const { definitions } = definition.modelSchemas
  // References among models need their targets beside them.
  const whole = JSON.stringify(inputSchema).includes('"#/definitions/') ? { ...inputSchema, definitions } : inputSchema
  return [{ tool: { name, description: definition.description || name, inputSchema: whole } }]
}

const accept = (id: string | number, result: unknown): Answer => ({ jsonrpc: "2.0", id, result })
const refuse = (id: string | number | null, code: number, message: string): Answer => ({
  jsonrpc: "2.0",
  id,
  error: { code, message },
})
