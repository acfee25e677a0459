/** What a function is: it fills records on a schedule, answers a call, or reacts to a connection's life. */
export type FunctionKind = "sync" | "action" | "on-event"

export const FUNCTION_NAME = /^[a-zA-Z0-9_-]{1,255}$/
export const INTEGRATION_ID = /^[a-zA-Z0-9~:.@ _-]{1,255}$/
/** A model as code declares it; the records API also accepts dashes. */
export const MODEL_NAME = /^[A-Z][a-zA-Z0-9_]{1,254}$/
