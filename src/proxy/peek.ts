/**
 * The beginning of a body as text, and a body that still gives all of it. Reading stops at `limit` bytes or where the
 * body breaks off; the returned body then fails where the original did.
 */
export async function peekBody(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<{ text: string; body: ReadableStream<Uint8Array> | null }> {
  if (!body) return { text: "", body: null }
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let failure: { error: unknown } | undefined
  let ended = false
  for (let size = 0; size < limit && !ended && !failure;) {
    try {
      const { done, value } = await reader.read()
      ended = done
      if (value) {
        chunks.push(value)
        size += value.byteLength
      }
    } catch (error) {
      // The answer has a status already; whoever reads its body meets the failure there.
      failure = { error }
    }
  }
  const text = Buffer.concat(chunks).toString("utf8")
  const rest = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = chunks.shift()
      if (chunk) return controller.enqueue(chunk)
      if (failure) return controller.error(failure.error)
      const next = ended ? { done: true as const, value: undefined } : await reader.read()
      if (next.done) return controller.close()
      controller.enqueue(next.value)
    },
    cancel: (reason) => (ended ? undefined : reader.cancel(reason)),
  })
  return { text, body: rest }
}
