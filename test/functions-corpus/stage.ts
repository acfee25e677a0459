import { readdirSync } from "node:fs"
import { join } from "node:path"
import { startFakeProvider } from "../../src/fake-provider/server.ts"
import { type Sluice, startSluice } from "../helpers/sluice.ts"
import { itemsAtFirst } from "./cases.ts"

const here = import.meta.dir
export const providersFolder = join(here, "providers")

/** The functions of the examples are written for real providers; here each of them is at the fake one's address. */
const providerOf: Record<string, string> = { demo: "private-api-bearer", github: "private-api-bearer" }

const credentialsOf: Record<string, object> = {
  shop: { type: "BASIC", username: "sk_shop", password: "the-password-of-the-shop" },
  hr: { type: "BASIC", username: "hr-user", password: "the-password-of-hr" },
  files: { type: "OAUTH2", access_token: "the-token-of-the-files" },
}
const filesApp = {
  type: "OAUTH2",
  client_id: "files-app",
  client_secret: "the-secret-of-the-app",
  scopes: "files.read",
}
const apiKey = { type: "API_KEY", apiKey: "the-key-of-the-connection" }

/** A daemon beside a fake provider with the recorded rows of `data/`. Recording needs a fixed port: links hold it. */
export async function openCorpus(port = 0) {
  const files = readdirSync(join(here, "data")).toSorted()
  const data = (await Promise.all(files.map((file) => Bun.file(join(here, "data", file)).json()))).flat()
  const fake = await startFakeProvider({ port, data, items: itemsAtFirst, itemBytes: 0 })
  const env = {
    SLUICE_PROVIDERS: providersFolder,
    SLUICE_EGRESS_ALLOW: "127.0.0.0/8",
    SLUICE_SERVER_URL: "http://corpus.example",
  }
  const sluice = await startSluice({ env })
  const stop = async () => {
    await sluice.stop()
    await fake.stop()
  }
  await setUp(sluice).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    fake,
    sluice,
    env,
    connect: (integration: string, connectionId: string, metadata?: object) =>
      need(sluice, "POST", "/connections", {
        provider_config_key: integration,
        connection_id: connectionId,
        credentials: credentialsOf[integration] ?? apiKey,
        connection_config: { baseUrl: fake.url, workspace: "acme" },
        metadata,
      }),
    [Symbol.asyncDispose]: stop,
  }
}

async function setUp(sluice: Sluice): Promise<void> {
  for (const unique_key of ["demo", "github", "crm", "chat", "tracker", "shop", "files", "hr", "oldcrm"]) {
    const provider = providerOf[unique_key] ?? unique_key
    const app = unique_key === "files" ? { credentials: filesApp } : {}
    await need(sluice, "POST", "/integrations", { unique_key, provider, ...app })
  }
  const variables = [
    { name: "FEATURE_THREADS", value: "on" },
    { name: "OTHER_SETTING", value: "not-for-you" },
  ]
  await need(sluice, "PUT", "/sluice/environment/variables", variables)
}

export type Corpus = Awaited<ReturnType<typeof openCorpus>>

/** A request that must succeed. */
export async function need(sluice: Sluice, method: string, path: string, body?: unknown, headers = {}): Promise<any> {
  const answer = await sluice.call(method, path, { body, headers })
  if (answer.status < 300) return answer.body
  throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`)
}
