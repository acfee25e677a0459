import { accents } from "../shared/theme.ts"
import type { Theme, ThemeChoice, UiSettings } from "./model.ts"

/** The ground of the card, as `theme.css` has it: what links are read on. */
const grounds: Record<Theme, string> = { light: "#ffffff", dark: "#17191e" }
const variables = { primary: "--primary", hover: "--hover", onPrimary: "--on-primary", accent: "--accent" } as const
export const defaultPrimary = "#00B2E3"

/** Puts theme and colours on the document and follows the system where it decides. Returns the end of that. */
export function applyLook(choice: ThemeChoice, settings: UiSettings | undefined): () => void {
  const root = document.documentElement
  const dark = window.matchMedia("(prefers-color-scheme: dark)")
  const apply = () => {
    const theme: Theme = choice === "system" ? (dark.matches ? "dark" : "light") : choice
    root.dataset.theme = theme
    const colors = accents(settings?.theme[theme].primary ?? defaultPrimary, grounds[theme])
    for (const [name, variable] of Object.entries(variables)) {
      root.style.setProperty(variable, colors[name as keyof typeof variables])
    }
  }
  apply()
  dark.addEventListener("change", apply)
  return () => dark.removeEventListener("change", apply)
}
