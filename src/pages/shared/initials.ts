/** Dark enough for white letters (4.5 to 1), in the order in which neighbours differ most. */
export const avatarColors = [
  "#0b6e99",
  "#9a3412",
  "#6d28d9",
  "#166534",
  "#be185d",
  "#1d4ed8",
  "#92400e",
  "#0f766e",
  "#a21caf",
  "#475569",
]

/** One or two letters: the beginnings of the first two words. */
export function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "")
  const letters =
    words.length > 1 ? words.slice(0, 2).map((word) => [...word][0] ?? "") : [...(words[0] ?? "?")].slice(0, 1)
  return letters.join("").toUpperCase()
}

/** The same name has the same colour everywhere. */
export function avatarColor(name: string): string {
  // FNV-1a: short names that differ in one letter still fall far apart.
  let hash = 0x811c9dc5
  for (const letter of name.toLowerCase()) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return avatarColors[(hash >>> 16) % avatarColors.length] ?? ""
}
