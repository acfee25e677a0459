import { z } from "zod"
import { fromLines } from "../kit/lines.ts"

const megabyte = 1024 * 1024
/** Largest payload that travels beside a call, in bytes of a Uint8Array or characters of a string. */
export const maxBody = 100 * megabyte

const Key = z.string().min(1).max(255)
const Headers = z.record(z.string().max(1000), z.string().max(100_000))
const Body = z.strictObject({
  kind: z.enum(["none", "json", "text", "form", "multipart", "bytes"]),
  /** Multipart only: so that the daemon can add the provider's own parts. */
  boundary: z.string().max(200).optional(),
})

export const Model = z.string().min(1).max(255)
const OneModel = z.strictObject({ model: Model })

export const ProxySend = z.strictObject({
  endpoint: z.string().max(200_000).optional(),
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]),
  headers: Headers,
  /** Text is appended as it is; an object's entries replace equal names (values are text already). */
  params: z.union([z.string().max(200_000), z.record(z.string().max(10_000), z.string().max(200_000))]).optional(),
  data: Body,
  retries: z.number().int().min(0).max(1000),
  retryOn: z.array(z.number().int().min(100).max(599)).max(500).optional(),
  retryHeader: z
    .strictObject({ at: z.array(Key).max(20).optional(), after: z.array(Key).max(20).optional() })
    .optional(),
  baseUrlOverride: z.string().max(10_000).optional(),
  decompress: z.boolean().optional(),
  responseType: z.enum(["arraybuffer", "blob", "document", "json", "text", "stream"]).optional(),
  forwardHeadersOnRedirect: z.boolean().optional(),
  providerConfigKey: Key.optional(),
  connectionId: Key.optional(),
})

export const FetchRaw = z.strictObject({
  url: z.url().max(200_000),
  method: z.string().regex(/^[A-Z]{1,20}$/),
  headers: Headers,
  /** Until the head of the answer is there. */
  timeoutMs: z.number().int().min(1).max(3_600_000).optional(),
})

export const LogWrite = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]),
  message: z.string().max(100_000),
  meta: z.record(z.string(), z.unknown()).optional(),
})

/** A list of 1 to 1,000 ids, a line each (`kit/lines.ts`): it goes to the writer as it came. */
const Ids = z.string().refine((text) => {
  const ids = fromLines(text)
  return ids.length > 0 && ids.length <= 1000 && ids.every((id) => id.length > 0 && id.length <= 255)
}, "It must be 1 to 1,000 ids of 1 to 255 characters")
/** Records travel beside it: one JSON text per line, in the order of `ids`. */
export const RecordsWrite = z.strictObject({ model: Model, ids: Ids })
export const RecordsGet = z.strictObject({ model: Model, ids: z.array(Key).min(1).max(100) })
export const RecordsList = z.strictObject({
  model: Model,
  cursor: z.string().max(1000).optional(),
  limit: z.number().int().min(1).max(100),
})

export const MergingSet = z.strictObject({ model: Model, strategy: z.enum(["override", "ignore_if_modified_after"]) })
/** Bounds here are only against floods; the flat-scalar rule with its sentences is the daemon's. */
export const CheckpointSave = z.strictObject({ checkpoint: z.record(z.string().max(10_000), z.unknown()) })
const JsonObject = z.record(z.string(), z.unknown())

export const ConnectionGet = z.strictObject({
  providerConfigKey: Key.optional(),
  connectionId: Key.optional(),
  forceRefresh: z.boolean().optional(),
  refreshToken: z.boolean().optional(),
  refreshGithubAppJwtToken: z.boolean().optional(),
})
export const IntegrationGet = z.strictObject({
  include: z
    .array(z.enum(["webhook", "credentials"]))
    .max(10)
    .optional(),
})

export const ActionTrigger = z.strictObject({
  providerConfigKey: Key,
  connectionId: Key,
  actionName: Key,
  /** JSON text; left out when the caller gave no input. */
  input: z
    .string()
    .max(10 * megabyte)
    .optional(),
})

const SyncName = z.union([Key, z.strictObject({ name: Key, variant: Key.optional() })])
export const SyncTrigger = z.strictObject({
  providerConfigKey: Key,
  connectionId: Key.optional(),
  sync: SyncName,
  reset: z.boolean().optional(),
  emptyCache: z.boolean().optional(),
})
export const SyncStart = z.strictObject({
  providerConfigKey: Key,
  connectionId: Key.optional(),
  syncs: z.array(SyncName).max(1000),
})

export const LockKey = z.strictObject({ key: Key })
export const LockAcquire = z.strictObject({
  key: Key,
  ttlMs: z
    .number()
    .int()
    .positive()
    .max(31 * 86_400_000),
})
const Nothing = z.strictObject({})

export type Call<S extends z.ZodType> = {
  input: S
  /** What may travel beside the input. */
  body: "none" | "text" | "any"
  /** Longest input, in characters of JSON text. */
  maxInput: number
}

function call<S extends z.ZodType>(input: S, options: { body?: Call<S>["body"]; maxInput?: number } = {}): Call<S> {
  return { input, body: options.body ?? "none", maxInput: options.maxInput ?? megabyte }
}

/**
 * Every SDK call that leaves the guest: its name and the shape that the daemon accepts. Everything that arrives is
 * hostile; what is not in this table, or not of its shape, is answered with `invalid_sdk_call` and reaches nobody.
 */
export const calls = {
  "proxy.send": call(ProxySend, { body: "any" }),
  "fetch.raw": call(FetchRaw, { body: "any" }),
  "log.write": call(LogWrite, { maxInput: 300_000 }),
  "records.save": call(RecordsWrite, { body: "text" }),
  "records.update": call(RecordsWrite, { body: "text" }),
  "records.delete": call(RecordsWrite, { body: "text" }),
  "records.get": call(RecordsGet),
  "records.list": call(RecordsList),
  "deletes.start": call(OneModel),
  "deletes.end": call(OneModel),
  "deletes.previous": call(OneModel),
  "merging.set": call(MergingSet),
  "checkpoint.get": call(Nothing),
  "checkpoint.save": call(CheckpointSave),
  "checkpoint.clear": call(Nothing),
  "connection.get": call(ConnectionGet),
  "metadata.set": call(z.strictObject({ metadata: JsonObject })),
  "metadata.update": call(z.strictObject({ metadata: JsonObject })),
  "integration.get": call(IntegrationGet),
  "variables.get": call(Nothing),
  "action.trigger": call(ActionTrigger, { maxInput: 22 * megabyte }),
  "sync.trigger": call(SyncTrigger),
  "sync.start": call(SyncStart),
  "lock.acquire": call(LockAcquire),
  "lock.release": call(LockKey),
  "lock.releaseAll": call(Nothing),
}

export type CallName = keyof typeof calls
export type CallInput<N extends CallName> = z.infer<(typeof calls)[N]["input"]>

export function isCallName(name: string): name is CallName {
  return Object.hasOwn(calls, name)
}
