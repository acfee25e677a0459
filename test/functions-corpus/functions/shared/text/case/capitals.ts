import { isLetter } from "../letters.js"

/** The first letter of each word in capitals. */
export function capitals(text: string): string {
  return [...text]
    .map((char, at, all) => (at === 0 || !isLetter(all[at - 1] ?? "") ? char.toUpperCase() : char))
    .join("")
}
