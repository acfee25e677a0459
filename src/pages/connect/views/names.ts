import type { Target } from "../fields.ts"
import type { Integration } from "../model.ts"

/** What an integration is called: in the owner's words, else in the catalogue's. */
export const nameOf = ({ integration, provider }: Pick<Target, "integration" | "provider">): string =>
  integration.display_name || provider.display_name || integration.unique_key

/** Names for a list; where two are the same, the keys tell them apart. */
export function listed(integrations: Integration[]): { integration: Integration; name: string; detail?: string }[] {
  const names = integrations.map(({ display_name, unique_key }) => display_name || unique_key)
  return integrations.map((integration, index) => {
    const name = names[index] ?? ""
    const isShared = names.indexOf(name) !== names.lastIndexOf(name)
    return { integration, name, detail: isShared ? integration.unique_key : undefined }
  })
}

/** Every word must be somewhere in the name or the key, in any case and with or without accents. */
export function search<T extends { name: string; integration: Integration }>(all: T[], query: string): T[] {
  const words = plain(query).split(/\s+/)
  return all.filter(({ name, integration }) => {
    const text = plain(`${name} ${integration.unique_key} ${integration.provider}`)
    return words.every((word) => text.includes(word))
  })
}

const plain = (text: string): string =>
  text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase()
    .trim()
