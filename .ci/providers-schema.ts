import { entrySchemaText } from "../src/providers/schema.ts"

/** Writes the JSON schema of a catalogue entry, which the files in `providers/` name: `bun .ci/providers-schema.ts`. */
await Bun.write("providers/schema.json", entrySchemaText())
