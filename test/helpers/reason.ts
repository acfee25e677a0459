/**
 * What a promise was rejected with; fails when it was not. `expect(promise).rejects` runs the event loop from inside, which
 * holds up the messages of Workers.
 */
export async function reasonOf(promise: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`The promise was expected to fail, but gave ${JSON.stringify(value)}`)
}
