import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { FakeProvider } from "../../src/fake-provider/server.ts"
import { connectFake, onFake, startWithFake } from "../helpers/setup.ts"
import { type Answer, deploy, type Sluice, temporaryFolder } from "../helpers/sluice.ts"

/** What nobody outside the daemon's own process may ever see. */
export const secrets = {
  environment: "planted-environment-5f1c",
  file: "planted-file-77ab",
  encryptionKey: Buffer.alloc(32, "planted-key").toString("base64"),
}

export type Stage = {
  sluice: Sluice
  fake: FakeProvider
  /** Everything that the daemon said to anybody. */
  heard: () => Promise<string>
  /** Deploys the body of an action under a name of its own and runs it. */
  act: (body: string, options?: { input?: unknown; top?: string }) => Promise<Answer>
  stop: () => Promise<void>
}

/** A daemon with small limits, a closed gate and secrets in its environment and data directory. */
export async function openStage(env: Record<string, string> = {}): Promise<Stage> {
  const dataDir = temporaryFolder("hostile")
  writeFileSync(join(dataDir, "planted.txt"), secrets.file)
  const { sluice, fake } = await startWithFake({
    sluice: {
      dataDir,
      env: {
        SLUICE_ACTION_TIMEOUT_SECONDS: "2",
        SLUICE_RUNNER_MEMORY_MB: "128",
        SLUICE_EGRESS_ALLOW: "",
        SLUICE_ENCRYPTION_KEY: secrets.encryptionKey,
        PLANTED: secrets.environment,
        ...env,
      },
    },
  })
  await connectFake(sluice)
  const answers: string[] = []
  let next = 1
  return {
    sluice,
    fake,
    async act(body, { input, top } = {}) {
      const name = `act-${next++}`
      await deploy(sluice, { [`fake/actions/${name}.ts`]: actionSource(body, top) })
      const answer = await trigger(sluice, name, input)
      answers.push(answer.text)
      return answer
    },
    heard: async () => [sluice.output(), ...answers, ...(await readLogs(sluice))].join("\n"),
    async stop() {
      await sluice.stop()
      await fake.stop()
      rmSync(dataDir, { recursive: true })
    },
  }
}

export const trigger = (sluice: Sluice, action_name: string, input?: unknown): Promise<Answer> =>
  sluice.call("POST", "/action/trigger", { headers: onFake(), body: { action_name, input } })

export const actionSource = (body: string, top = ""): string => `import { createAction } from "nango"
import * as z from "zod"
${top}
export default createAction({
  description: "Hostile",
  version: "1.0.0",
  input: z.any(),
  output: z.any(),
  exec: async (nango: any, input: any): Promise<any> => {
    ${body}
  },
})
`

export const syncSource = (body: string, model: string): string => `import { createSync } from "nango"
import * as z from "zod"

export default createSync({
  description: "Hostile",
  version: "1.0.0",
  frequency: "every day",
  autoStart: true,
  models: { ${model}: z.object({ id: z.string() }) },
  exec: async (nango: any): Promise<any> => {
    ${body}
  },
})
`

async function readLogs(sluice: Sluice): Promise<string[]> {
  const { body } = await sluice.call("GET", "/sluice/logs?limit=1000")
  return Promise.all(
    body.data.map(async ({ id }: { id: string }) => (await sluice.call("GET", `/sluice/logs/${id}?limit=1000`)).text),
  )
}
