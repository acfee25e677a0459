import { entrySchemaText } from "../src/providers/schema.ts"

type Shape = {
  type?: string | string[]
  description?: string
  enum?: unknown[]
  $ref?: string
  anyOf?: Shape[]
  items?: Shape
  properties?: Record<string, Shape>
  additionalProperties?: Shape | boolean
  required?: string[]
}
type Schema = Shape & { definitions: Record<string, Shape> }

/** The members of a catalogue entry as the tables of `docs/providers.md`, from its schema. `bun .ci/members-table.ts` prints them. */
export function membersTable(): string {
  const schema = JSON.parse(entrySchemaText()) as Schema
  const { proxy } = schema.properties ?? {}
  const parts: [title: string, shape: Shape | undefined][] = [
    ["An entry", schema],
    ["`proxy`", proxy],
    ["`proxy.retry`", proxy?.properties?.retry],
    ["`proxy.paginate`", proxy?.properties?.paginate],
    [
      "A field of `credentials`, `connection_config`, `integration_config`, `assertion_option`",
      schema.definitions.Field,
    ],
  ]
  return parts.map(([title, shape]) => `**${title}**\n\n${tableOf(shape)}`).join("\n\n")
}

function tableOf({ properties = {}, required = [] }: Shape = {}): string {
  const rows = Object.entries(properties)
    .filter(([, { description }]) => !description?.includes("nothing reads it"))
    .map(([name, shape]) => {
      const must = required.includes(name) ? ", required" : ""
      return `| \`${name}\` | ${typeOf(shape)}${must} | ${(shape.description ?? "").replaceAll("|", "\\|")} |`
    })
  return ["| member | type | what |", "|---|---|---|", ...rows].join("\n")
}

function typeOf({ type, enum: choices, $ref, anyOf, items, additionalProperties: values }: Shape): string {
  if ($ref) return "field"
  if (Array.isArray(type)) return type.map((one) => typeOf({ type: one })).join(" or ")
  if (choices && choices.length <= 6) return choices.map((choice) => `\`${String(choice)}\``).join(", ")
  if (anyOf) return anyOf.map(typeOf).join(" or ")
  if (type === "array") return items ? `list of ${typeOf(items)}` : "list"
  if (type === "object")
    return typeof values === "object" && Object.keys(values).length > 0 ? `map to ${typeOf(values)}` : "map"
  return { string: "text", boolean: "true/false", number: "number" }[type ?? ""] ?? "any"
}

if (import.meta.main) console.log(membersTable())
