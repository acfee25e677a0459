import type { EnvironmentCtx } from "../app/context.ts"
import type { FoundConnection } from "../connections/connections.ts"
import { readConnectionConfig, readCredentials, secretsOf } from "../connections/credentials.ts"
import type { DryEvent } from "../fixtures/events.ts"
import { createScrubber, type Scrubber } from "../fixtures/scrub.ts"
import { readCredentials as readAppCredentials, readCustom } from "../integrations/integrations.ts"
import { newOperationId } from "../kit/ids.ts"
import { isSecretName, redact } from "../kit/redact.ts"
import type { Operation } from "../logs/log.ts"
import type { LogLevel } from "../logs/model.ts"

type Dry = { found: FoundConnection; record: boolean; send: (value: unknown) => Promise<void> }

/** The operation of a dry run: its messages go to the person who watches, and none is kept. */
export function openDryOperation(
  ctx: EnvironmentCtx,
  { found, record, send }: Dry,
): { operation: Operation; emit: (event: DryEvent) => Promise<void>; secrets: Scrubber } {
  const secrets = createScrubber()
  const credentials = readCredentials(ctx, found.connection)
  const { connection, integration } = found
  secrets.add(namedSecrets(credentials, true))
  const more = [
    readConnectionConfig(ctx, connection),
    readAppCredentials(ctx, integration),
    readCustom(ctx, integration),
  ]
  secrets.add(more.flatMap((members) => namedSecrets(members, false)))
  // Beside tokens, a provider's answer to a token request tells names and numbers that are no secrets.
  const known = new Set(secretsOf(credentials))

  // A recording must be clean throughout; otherwise records and outputs are shown as they are.
  const emit = (event: DryEvent) =>
    send(record || event.event === "log" || event.event === "request" ? secrets.data(event) : event)
  const write = (level: LogLevel, source: "user" | "internal", message: string, detail?: unknown) =>
    void emit({ event: "log", level, source, message, detail: redact(detail) })
  const line = (level: LogLevel) => (message: string, detail?: unknown) => write(level, "internal", message, detail)
  const operation: Operation = {
    id: newOperationId(ctx.now()),
    write({ type, level, source, message, detail }) {
      // Attempts are told as requests, once each.
      if (type === "log") write(level, source, message, detail)
    },
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    hide: (more) => secrets.add(more.filter((secret) => !known.has(secret))),
    clean: (value) => secrets.data(value),
    close: () => undefined,
  }
  return { operation, emit, secrets }
}

const notSecret = new Set(["type", "expires_at", "token_type", "scope"])
const secretMember = /token|secret|passw|key|private|assertion|cookie|session|signature|jwt/i

/** The texts of credentials, deeper ones only when their name says that they are secret. */
function namedSecrets(value: unknown, all: boolean, depth = 0): string[] {
  if (value === null || typeof value !== "object" || depth > 5) return []
  return Object.entries(value).flatMap(([name, member]) => {
    if (typeof member !== "string") return namedSecrets(member, false, depth + 1)
    const secret = !notSecret.has(name) && (all || isSecretName(name) || secretMember.test(name))
    return secret && member !== "" ? [member] : []
  })
}
