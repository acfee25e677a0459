import { directionOf, fill, pickLanguage } from "../shared/i18n.ts"
import { de } from "./texts/de.ts"
import { en } from "./texts/en.ts"
import { es } from "./texts/es.ts"
import { fr } from "./texts/fr.ts"
import { ja } from "./texts/ja.ts"

export type TextKey = keyof typeof en
export type Texts = Record<TextKey, string>
export type Say = (key: TextKey, values?: Record<string, string | number>) => string

/** The first one is shown to whoever wants none of them. */
export const languages = { en, de, es, fr, ja } satisfies Record<string, Texts>
const names = Object.keys(languages) as (keyof typeof languages)[]

/** The page's language, its direction of writing and its sentences, for the tags that are wanted, best first. */
export function speak(wanted: readonly (string | null | undefined)[]) {
  const language = pickLanguage(names, wanted)
  const say: Say = (key, values) => fill(languages[language][key], values)
  return { language, direction: directionOf(language), say }
}
