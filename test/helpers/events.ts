export type ServerEvent = { id: string; event: string; data: any }

/** Reads server-sent events one by one. Comments are skipped, and counted. */
export function readEvents(response: Response) {
  if (response.status !== 200 || !response.body) throw new Error(`No stream: ${response.status}`)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ""
  let comments = 0
  return {
    comments: () => comments,
    /** The next event; undefined when the stream has ended. */
    async next(): Promise<ServerEvent | undefined> {
      for (;;) {
        const end = text.indexOf("\n\n")
        if (end < 0) {
          const { done, value } = await reader.read()
          if (done) return undefined
          text += value
          continue
        }
        const lines = text.slice(0, end).split("\n")
        text = text.slice(end + 2)
        const field = (name: string) =>
          lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2))
        if (field("event").length > 0)
          return {
            id: field("id")[0] ?? "",
            event: field("event")[0] ?? "",
            data: JSON.parse(field("data").join("\n")),
          }
        comments++
      }
    },
    close: () => reader.cancel(),
  }
}
