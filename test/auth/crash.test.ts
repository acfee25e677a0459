import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import type { EnvironmentCtx } from "../../src/app/context.ts"
import { findConnection } from "../../src/connections/connections.ts"
import { freshCredentials } from "../../src/connections/fresh.ts"
import { recoverLeases } from "../../src/connections/refresh.ts"
import { client, startWorld, type World } from "./stage.ts"

const key = "oauth"
let world: World
beforeAll(async () => {
  world = await startWorld({
    [key]:
      "auth_mode: OAUTH2\nauthorization_url: FAKE/oauth/authorize\ntoken_url: FAKE/oauth/token\nproxy:\n  base_url: FAKE\n",
  })
  await world.integrate(key, { credentials: { type: "OAUTH2", ...client } })
})
afterAll(() => world[Symbol.asyncDispose]())

/** Where a daemon dies: at its nth write, or with its nth request on the wire (sent and answered, never read). */
type Death = { write: number } | { request: number }

/** A daemon on the same store that dies at one moment: from then on nothing it does has an effect. */
function mortal(death: Death): EnvironmentCtx {
  const { ctx } = world.t
  let dead = false
  let writes = 0
  let requests = 0
  const die = () => {
    dead = true
    throw new Error("killed")
  }
  return {
    ...ctx,
    refreshes: new Map(),

    store: {
      ...ctx.store,
      async tx(run) {
        if (dead || ("write" in death && ++writes === death.write)) die()
        return ctx.store.tx(run)
      },
    },
    egress: {
      ...ctx.egress,
      async send(request) {
        if (dead) die()
        const response = await ctx.egress.send(request)
        if ("request" in death && ++requests === death.request) {
          await response.body?.cancel()
          die()
        }
        return response
      },
    },
  }
}

const death = fc.oneof(
  fc.record({ write: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ request: fc.integer({ min: 1, max: 2 }) }),
)

test("whenever a daemon dies in a refresh, the next call works or says why somebody must connect again", async () => {
  const outcomes = { works: 0, lost: 0 }
  const run = async (deaths: Death[]) => {
    const id = await world.authorize(key)
    const find = async () => {
      const found = await findConnection(world.t.ctx, { connectionId: id, providerConfigKey: key })
      if (!found) throw new Error("gone")
      return found
    }
    for (const one of deaths) {
      world.t.clock.advance(7_200_000)
      world.fake.control({ oauth: { expireAccessTokens: true } })
      // It may live through this refresh; then the next one meets the same world.
      await freshCredentials(mortal(one), await find()).catch(() => undefined)
      await recoverLeases(world.t.app)
      const answer = await world.whoami(key, id)
      if (answer.status === 200) {
        outcomes.works++
        expect(answer.body).toEqual({ auth: "bearer" })
        continue
      }
      outcomes.lost++
      expect(answer.status).toBe(400)
      expect(answer.body.error.message).toContain("cut off")
      const { errors } = (await find()).connection
      expect(errors).toEqual([{ type: "auth", log_id: expect.any(String) }])
      await world.authorize(key, {}, id)
      expect((await world.whoami(key, id)).status).toBe(200)
    }
  }
  await fc.assert(fc.asyncProperty(fc.array(death, { minLength: 1, maxLength: 5 }), run), { numRuns: 30 })
  // Both happen, or the test would show nothing.
  expect(outcomes.works).toBeGreaterThan(0)
  expect(outcomes.lost).toBeGreaterThan(0)
}, 60_000)

test("a lease of a dead daemon runs out by itself when nobody restarts", async () => {
  const id = await world.authorize(key)
  world.t.clock.advance(7_200_000)
  const found = await findConnection(world.t.ctx, { connectionId: id, providerConfigKey: key })
  if (!found) throw new Error("gone")
  await freshCredentials(mortal({ write: 2 }), found).catch(() => undefined)
  world.t.clock.advance(60_000)
  const answer = await world.get(key, id)
  expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_credentials"])
  expect(answer.body.error.message).toContain("cut off")
})
