import * as z from "zod"

export const FileEntry = z.object({ id: z.string(), path: z.string(), bytes: z.int() })
export type FileEntry = z.infer<typeof FileEntry>

export const FileChange = z.object({ id: z.string(), name: z.string(), revision: z.string() })
export type FileChange = z.infer<typeof FileChange>
