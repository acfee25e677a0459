import type { z } from "zod"
import type { NangoAction, NangoSync } from "./nango-object.js"

export type * from "./connection.js"
export type * from "./http.js"
export type * from "./nango-object.js"

/** A model of a sync: an object with a text `id`. */
export type ZodModel = z.ZodObject & z.ZodType<{ id: string }>
export type ZodMetadata = z.ZodObject | z.ZodVoid | undefined
/** Flat: the members of a checkpoint are texts, numbers and booleans. */
export type ZodCheckpoint = z.ZodObject | undefined

export interface Endpoint {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  path: string
  /** 1 to 64 characters. */
  group?: string | undefined
}

interface CommonProps<TMetadata, TCheckpoint> {
  /** What the function does, for people; at most 2,000 characters. */
  description: string
  /** Free text; counted up by the deploy when it is left out. */
  version?: string | undefined
  /** Scopes that the function needs at the provider. Not enforced. */
  scopes?: string[] | undefined
  /** Shape of the connection's metadata. */
  metadata?: TMetadata | undefined
  /** Shape of what `saveCheckpoint` keeps. */
  checkpoint?: TCheckpoint | undefined
  /** @deprecated */
  endpoint?: Endpoint | undefined
}

export interface CreateSyncProps<
  TModels extends Record<string, ZodModel> = any,
  TMetadata extends ZodMetadata = any,
  TCheckpoint extends ZodCheckpoint = any,
> extends CommonProps<TMetadata, TCheckpoint> {
  /** `every hour`, `every 5 minutes`, `30s`, …; at least 30 seconds. */
  frequency: string
  /** What the sync saves, by model name (`^[A-Z][a-zA-Z0-9_]+$`). */
  models: TModels
  /** Whether a new connection starts the sync at once. Default: false. */
  autoStart?: boolean | undefined
  /** Names of incoming webhooks that `onWebhook` gets; `*` for all. */
  webhookSubscriptions?: string[] | undefined
  exec: (nango: NangoSync<TModels, TMetadata, TCheckpoint>) => void | Promise<void>
  onWebhook?: ((nango: NangoSync<TModels, TMetadata, TCheckpoint>, payload: any) => unknown) | undefined
  /** @deprecated */
  endpoints?: Endpoint[] | undefined
  /** @deprecated */
  syncType?: "full" | "incremental" | undefined
  /** @deprecated Use trackDeletesStart and trackDeletesEnd. */
  trackDeletes?: boolean | undefined
}

export interface CreateActionProps<
  TInput extends z.ZodType = any,
  TOutput extends z.ZodType = any,
  TMetadata extends ZodMetadata = any,
  TCheckpoint extends ZodCheckpoint = any,
> extends CommonProps<TMetadata, TCheckpoint> {
  input: TInput
  output: TOutput
  exec: (
    nango: NangoAction<TMetadata, TCheckpoint>,
    input: z.infer<TInput>,
  ) => z.infer<TOutput> | Promise<z.infer<TOutput>>
}

export interface CreateOnEventProps<
  TMetadata extends ZodMetadata = any,
  TCheckpoint extends ZodCheckpoint = any,
> extends CommonProps<TMetadata, TCheckpoint> {
  event: "post-connection-creation" | "pre-connection-deletion" | "validate-connection"
  exec: (nango: NangoAction<TMetadata, TCheckpoint>) => void | Promise<void>
}

export interface CreateSyncResponse<
  TModels extends Record<string, ZodModel> = any,
  TMetadata extends ZodMetadata = any,
  TCheckpoint extends ZodCheckpoint = any,
> extends CreateSyncProps<TModels, TMetadata, TCheckpoint> {
  type: "sync"
}

export interface CreateActionResponse<
  TInput extends z.ZodType = any,
  TOutput extends z.ZodType = any,
  TMetadata extends ZodMetadata = any,
  TCheckpoint extends ZodCheckpoint = any,
> extends CreateActionProps<TInput, TOutput, TMetadata, TCheckpoint> {
  type: "action"
}

export interface CreateOnEventResponse<
  TMetadata extends ZodMetadata = any,
  TCheckpoint extends ZodCheckpoint = any,
> extends CreateOnEventProps<TMetadata, TCheckpoint> {
  type: "onEvent"
}

export type CreateAnyResponse = CreateSyncResponse | CreateActionResponse | CreateOnEventResponse

/** Declares a sync: code that runs on a schedule for each connection and saves records. */
export declare function createSync<
  TModels extends Record<string, ZodModel>,
  TMetadata extends ZodMetadata = undefined,
  TCheckpoint extends ZodCheckpoint = undefined,
>(props: CreateSyncProps<TModels, TMetadata, TCheckpoint>): CreateSyncResponse<TModels, TMetadata, TCheckpoint>

/** Declares an action: code that runs when the app asks for it, with an input and an output. */
export declare function createAction<
  TInput extends z.ZodType,
  TOutput extends z.ZodType,
  TMetadata extends ZodMetadata = undefined,
  TCheckpoint extends ZodCheckpoint = undefined,
>(
  props: CreateActionProps<TInput, TOutput, TMetadata, TCheckpoint>,
): CreateActionResponse<TInput, TOutput, TMetadata, TCheckpoint>

/** Declares an event function: code that runs when a connection is made, deleted or validated. */
export declare function createOnEvent<
  TMetadata extends ZodMetadata = undefined,
  TCheckpoint extends ZodCheckpoint = undefined,
>(props: CreateOnEventProps<TMetadata, TCheckpoint>): CreateOnEventResponse<TMetadata, TCheckpoint>

/** Fails a run with a payload of its own, which reaches the caller of an action. */
export declare class ActionError<T = Record<string, unknown>> extends Error {
  constructor(payload?: T)
  readonly type: string
  readonly payload: any
}
