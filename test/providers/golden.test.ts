import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdirSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { testApp, type TestApp } from "../helpers/app.ts"
import { type Golden, live, recordRequests, variantsOf } from "./golden.ts"

/*
 * What each provider of our catalogue makes of a connection: where the browser goes, what is asked for tokens, how the
 * credentials are tried, what a proxied request becomes. `UPDATE_GOLDEN=1 bun test test/providers/golden.test.ts` writes
 * the expectations; read what changed before you keep it.
 */
const folder = join(import.meta.dir, "golden")
const update = process.env.UPDATE_GOLDEN === "1"
const names = readdirSync(join(import.meta.dir, "../../providers"))
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => file.replace(/\.yaml$/, ""))
  .toSorted()

let t: TestApp
let recorder: ReturnType<typeof recordRequests>
beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  t = await testApp({ now: "2026-03-01T12:00:00.000Z" })
  recorder = recordRequests(t)
})
afterAll(() => t.close())

test("every provider has an expectation, and every expectation a provider", () => {
  const stored = readdirSync(folder).map((file) => file.replace(/\.json$/, ""))
  if (update) {
    for (const name of stored.filter((name) => !names.includes(name))) rmSync(join(folder, `${name}.json`))
    return
  }
  expect(stored.toSorted()).toEqual(names)
})

test.each(names)("%s", async (name) => {
  const lived: Record<string, Golden> = {}
  for (const variant of variantsOf(t.app.catalogue.get(name))) {
    recorder.take()
    lived[variant] = await live(t, recorder, name, variant === "bare")
  }
  const text = JSON.stringify(lived, null, 2)
  expect(text).not.toContain("${")
  const file = Bun.file(join(folder, `${name}.json`))
  if (update) await Bun.write(file, `${text}\n`)
  expect(JSON.parse(text)).toEqual(await file.json())
})
