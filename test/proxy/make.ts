import { expect } from "bun:test"
import type { Credentials } from "../../src/auth/credentials.ts"
import { AppError } from "../../src/kit/errors.ts"
import { buildRequest } from "../../src/proxy/build.ts"
import type { BuildInput, ProxyCall } from "../../src/proxy/model.ts"
import type { Provider, ProviderProxy } from "../../src/providers/model.ts"

export const now = new Date("2026-03-04T05:06:07.890Z")
export const random = "0b7c1f0e-5d1f-4a53-9a3a-1f2e3d4c5b6a"

/** A provider of the catalogue format with only what a test is about. */
export function provider(proxy: ProviderProxy = {}, more: Partial<Provider> = {}): Provider {
  return { display_name: "Test", docs: "https://docs.test", auth_mode: "API_KEY", proxy, ...more }
}

export function call(more: Partial<ProxyCall> = {}): ProxyCall {
  return { endpoint: "/things", method: "GET", headers: {}, body: { kind: "none" }, retries: 0, retryOn: [], ...more }
}

type Parts = {
  proxy?: ProviderProxy
  provider?: Partial<Provider>
  call?: Partial<ProxyCall>
  credentials?: Credentials
  config?: Record<string, unknown>
  metadata?: Record<string, unknown>
  integration?: Partial<BuildInput["integration"]>
}

export function input(parts: Parts = {}): BuildInput {
  return {
    provider: provider({ base_url: "https://api.test/v1", ...parts.proxy }, parts.provider),
    providerName: "test",
    integration: { uniqueKey: "test", custom: {}, ...parts.integration },
    connection: { connectionId: "c1", connectionConfig: parts.config ?? {}, metadata: parts.metadata ?? {} },
    credentials: parts.credentials ?? { type: "API_KEY", apiKey: "key-12345" },
    call: call(parts.call),
    now,
    random,
  }
}

export const build = (parts: Parts = {}) => buildRequest(input(parts))

export function expectFault(run: () => unknown, code: string): AppError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(AppError)
    expect((error as AppError).code).toBe(code)
    return error as AppError
  }
  throw new Error(`expected ${code}, but nothing was thrown`)
}
