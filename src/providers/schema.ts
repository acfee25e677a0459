import { z } from "zod"
import { ProviderEntry } from "./entry.ts"

/** The first line of an entry's file: editors that speak to yaml-language-server check and complete by it. */
export const schemaLine = "# yaml-language-server: $schema=./schema.json"

/** The JSON schema (draft 7, which editors know best) of one entry, as text with a line end. */
export function entrySchemaText(): string {
  const { $schema, ...shape } = z.toJSONSchema(ProviderEntry, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
  })
  const schema = {
    $schema,
    title: "A provider of sluice's catalogue",
    description: "One file `<id>.yaml` for each provider; texts with `${…}` are templates (docs/providers.md)",
    anyOf: [{ required: ["alias"] }, { required: ["auth_mode"] }],
    ...shape,
  }
  return `${JSON.stringify(schema, null, 1)}\n`
}
