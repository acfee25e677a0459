import { describe, expect, test } from "bun:test"
import type { App } from "../../src/app/context.ts"
import { AppError } from "../../src/kit/errors.ts"
import { takePlace } from "../../src/runs/places.ts"
import { reasonOf } from "../helpers/reason.ts"

const appWith = (actionConcurrency: number) => ({ store: {}, config: { actionConcurrency } }) as unknown as App

describe("places of an environment's actions", () => {
  test("no more than the setting at once, in the order in which they came", async () => {
    const app = appWith(2)
    const [first, second] = [await takePlace(app, 1), await takePlace(app, 1)]
    const order: number[] = []
    const third = takePlace(app, 1).then((giveBack) => (order.push(3), giveBack))
    const fourth = takePlace(app, 1).then((giveBack) => (order.push(4), giveBack))
    await Promise.resolve()
    expect(order).toEqual([])
    first()
    const giveBackThird = await third
    expect(order).toEqual([3])
    giveBackThird()
    second()
    ;(await fourth)()
    expect(order).toEqual([3, 4])
    ;(await takePlace(app, 1))()
  })

  test("another environment has places of its own", async () => {
    const app = appWith(1)
    await takePlace(app, 1)
    ;(await takePlace(app, 2))()
  })

  test("who waits too long is told so, and no place is lost", async () => {
    const app = appWith(1)
    const giveBack = await takePlace(app, 1)
    const error = await reasonOf(takePlace(app, 1, 5))
    expect(error).toBeInstanceOf(AppError)
    expect((error as AppError).code).toBe("action_script_failure")
    giveBack()
    ;(await takePlace(app, 1))()
  })
})
