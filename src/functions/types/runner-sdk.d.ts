export type * from "./nango.js"
export type { NangoAction as NangoActionBase, NangoSync as NangoSyncBase } from "./nango.js"
