import * as z from "zod"

export type ChatMessage = {
  id: string
  text: string
  replies: ChatMessage[]
}

/** A message and the answers to it, however deep. */
export const ChatMessage: z.ZodType<ChatMessage> = z.lazy(() =>
  z.object({ id: z.string(), text: z.string(), replies: z.array(ChatMessage) }),
)

export const ChatMember = z.object({ id: z.string(), name: z.string(), role: z.enum(["owner", "member"]) })
export type ChatMember = z.infer<typeof ChatMember>
