import { createAction } from "nango"
import type { NangoAction } from "nango"
import * as z from "zod"
import { ChatMessage } from "../models.js"

type ApiMessage = { id: string; text: string; reply_count: number }

async function withReplies(nango: Pick<NangoAction, "get">, message: ApiMessage): Promise<ChatMessage> {
  const { id, text, reply_count } = message
  if (reply_count === 0) return { id, text, replies: [] }
  const { data } = await nango.get<{ messages: ApiMessage[] }>({ endpoint: `/messages/${id}/replies`, retries: 3 })
  const replies: ChatMessage[] = []
  for (const reply of data.messages) replies.push(await withReplies(nango, reply))
  return { id, text, replies }
}

export default createAction({
  description: "A message with all answers to it",
  version: "1.0.0",
  input: z.object({ id: z.string() }),
  output: ChatMessage,

  exec: async (nango, { id }) => {
    const { data } = await nango.get<ApiMessage>({ endpoint: `/messages/${id}`, retries: 3 })
    return ChatMessage.parse(await withReplies(nango, data))
  },
})
