import type { z } from "zod"
import type { Connection, Integration, SyncReference, TriggerOptions } from "./connection.js"
import type { AxiosResponse, FetchOptions, ProxyConfiguration } from "./http.js"
import type { ActionError } from "./nango.js"

/** What a schema describes; `Otherwise` when none was declared. */
type Described<Schema, Otherwise> = unknown extends Schema
  ? any
  : [Schema] extends [undefined | z.ZodVoid]
    ? Otherwise
    : z.infer<Exclude<Schema, undefined>>

type ModelName<TModels> = unknown extends TModels ? string : keyof TModels & string
type ModelRecord<TModels, TModel> = unknown extends TModels
  ? any
  : TModel extends keyof TModels
    ? z.infer<TModels[TModel]>
    : never
type DeepPartial<T> = T extends Date | readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T

type FlatCheckpoint = Record<string, string | number | boolean | Date | undefined>

export type LogLevel = "debug" | "info" | "warn" | "error" | "off"

export interface RecordMetadata {
  first_seen_at: string
  last_modified_at: string
  last_action: "ADDED" | "UPDATED" | "DELETED" | "added" | "updated" | "deleted"
  deleted_at: string | null
  pruned_at: string | null
  cursor: string
}

/** What every function gets: requests, connection, logs, checkpoints, other functions. */
export interface NangoAction<TMetadata = any, TCheckpoint = any> {
  readonly connectionId: string
  readonly providerConfigKey: string
  readonly provider: string
  readonly environmentId: number
  readonly environmentName: string
  readonly accountId: number
  readonly activityLogId: string
  readonly syncId: string | undefined
  readonly syncJobId: number | undefined
  readonly nangoConnectionId: number | undefined
  readonly scriptType: "sync" | "action" | "webhook" | "on-event"
  readonly syncConfig: any
  readonly runnerFlags: any
  readonly logger: { level: LogLevel }
  readonly isCLI: boolean
  /** `throw new nango.ActionError({ message: … })` */
  readonly ActionError: typeof ActionError

  /** One request to the provider with the connection's credentials. A status beyond 2xx throws, after `retries`. */
  proxy<T = any>(config: ProxyConfiguration): Promise<AxiosResponse<T>>
  get<T = any>(config: ProxyConfiguration): Promise<AxiosResponse<T>>
  post<T = any>(config: ProxyConfiguration): Promise<AxiosResponse<T>>
  put<T = any>(config: ProxyConfiguration): Promise<AxiosResponse<T>>
  patch<T = any>(config: ProxyConfiguration): Promise<AxiosResponse<T>>
  delete<T = any>(config: ProxyConfiguration): Promise<AxiosResponse<T>>
  /** Walks over pages; `T` is one item. */
  paginate<T = any>(config: ProxyConfiguration): AsyncGenerator<T[], undefined, void>
  /** A request without credentials and without retries. */
  uncontrolledFetch(options: FetchOptions): Promise<Response>

  getConnection(
    providerConfigKey?: string,
    connectionId?: string,
    options?: { forceRefresh?: boolean; refreshToken?: boolean; refreshGithubAppJwtToken?: boolean },
  ): Promise<Connection>
  /** The access token of OAuth 2, the pair of OAuth 1, else the credentials. */
  getToken(): Promise<any>
  getIntegration(options?: { include?: ("webhook" | "credentials")[] }): Promise<Integration>
  getWebhookURL(): Promise<string | null | undefined>
  getEnvironmentVariables(): Promise<{ name: string; value: string }[] | null>
  getFlowAttributes<T = any>(): T

  getMetadata<T = Described<TMetadata, any>>(): Promise<T>
  /** Replaces all metadata. */
  setMetadata(metadata: Described<TMetadata, Record<string, any>>): Promise<AxiosResponse>
  /** Replaces the named members of the metadata. */
  updateMetadata(metadata: Partial<Described<TMetadata, Record<string, any>>>): Promise<AxiosResponse>
  /** @deprecated Use getMetadata. */
  getFieldMapping(): Promise<any>
  /** @deprecated Use setMetadata. */
  setFieldMapping(mapping: Record<string, string>): Promise<AxiosResponse>

  /** `log("text", meta?, { level }?)`. The default level is `info`. */
  log(...args: any[]): Promise<void>
  setLogger(options: { level: LogLevel }): void

  getCheckpoint<T = Described<TCheckpoint, any>>(): Promise<T | null>
  /** Replaces the checkpoint. */
  saveCheckpoint(checkpoint: Described<TCheckpoint, FlatCheckpoint>): Promise<void>
  clearCheckpoint(): Promise<void>

  tryAcquireLock(options: { key: string; ttlMs: number }): Promise<boolean>
  releaseLock(options: { key: string }): Promise<boolean>
  releaseAllLocks(): Promise<void>

  /** Runs an action and waits for its output; the short form runs it on this connection. */
  triggerAction<In = unknown, Out = any>(
    providerConfigKey: string,
    connectionId: string,
    actionName: string,
    input?: In,
  ): Promise<Out>
  triggerAction<In = unknown, Out = any>(actionName: string, input?: In): Promise<Out>
  triggerSync(
    providerConfigKey: string,
    connectionId: string,
    sync: SyncReference,
    options?: TriggerOptions,
  ): Promise<any>
  startSync(providerConfigKey: string, syncs: SyncReference[], connectionId?: string): Promise<void>

  /** Throws an ActionError, after logging each issue, when the input does not fit. */
  zodValidateInput<T = any, Z = any>(options: {
    zodSchema: z.ZodType<Z>
    input: T
  }): Promise<{ success: true; data: Z; error?: never }>
}

/** What a sync gets besides: records. */
export interface NangoSync<TModels = any, TMetadata = any, TCheckpoint = any> extends NangoAction<
  TMetadata,
  TCheckpoint
> {
  readonly variant: string
  /** @deprecated Use a checkpoint. */
  readonly lastSyncDate: Date | undefined
  readonly track_deletes: boolean
  readonly emptyCache: boolean

  /** Adds and updates records by their `id`. */
  batchSave<TModel extends ModelName<TModels>>(
    records: readonly ModelRecord<TModels, TModel>[] | null | undefined,
    model: TModel,
  ): Promise<boolean>
  /** @deprecated Use batchSave. */
  batchSend<TModel extends ModelName<TModels>>(
    records: readonly ModelRecord<TModels, TModel>[] | null | undefined,
    model: TModel,
  ): Promise<boolean>
  /** Merges into records that exist. */
  batchUpdate<TModel extends ModelName<TModels>>(
    records: readonly ({ id: string } & DeepPartial<ModelRecord<TModels, TModel>>)[] | null | undefined,
    model: TModel,
  ): Promise<boolean>
  /** Marks records as deleted; only `id` is looked at. */
  batchDelete<TModel extends ModelName<TModels>>(
    records: readonly ({ id: string } & DeepPartial<ModelRecord<TModels, TModel>>)[] | null | undefined,
    model: TModel,
  ): Promise<boolean>

  /** Found records by the ids as they were given, deleted ones too. */
  getRecordsByIds<TKey extends string | number, TModel extends ModelName<TModels>>(
    ids: readonly TKey[],
    model: TModel,
  ): Promise<Map<TKey, ModelRecord<TModels, TModel>>>
  getRecordsByIds<TKey extends string | number, T extends object>(
    ids: readonly TKey[],
    model: ModelName<TModels>,
  ): Promise<Map<TKey, T>>
  getRecordsById<TKey extends string | number, TModel extends ModelName<TModels>>(
    ids: readonly TKey[],
    model: TModel,
  ): Promise<Map<TKey, ModelRecord<TModels, TModel>>>
  getRecordsById<TKey extends string | number, T extends object>(
    ids: readonly TKey[],
    model: ModelName<TModels>,
  ): Promise<Map<TKey, T>>
  /** Every record of the model, deleted ones too. */
  listRecords<TModel extends ModelName<TModels>>(
    model: TModel,
    options?: { cursor?: string | undefined },
  ): AsyncGenerator<ModelRecord<TModels, TModel> & { _nango_metadata: RecordMetadata }, void, void>
  listRecords<T extends object>(
    model: ModelName<TModels>,
    options?: { cursor?: string | undefined },
  ): AsyncGenerator<T & { _nango_metadata: RecordMetadata }, void, void>

  setMergingStrategy(
    options: { strategy: "override" | "ignore_if_modified_after" },
    model: ModelName<TModels>,
  ): Promise<void>
  /** Opens the window: records that are not saved again until its end are gone at the provider. */
  trackDeletesStart(model: ModelName<TModels>): Promise<void>
  trackDeletesEnd(model: ModelName<TModels>): Promise<{ deletedKeys: string[] }>
  /** @deprecated Use trackDeletesStart and trackDeletesEnd. */
  deleteRecordsFromPreviousExecutions(model: ModelName<TModels>): Promise<{ deletedKeys: string[] }>
}
