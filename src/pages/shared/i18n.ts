/**
 * The language to show: the first wanted one that there is, by its full tag and then by its language alone.
 * `wanted` is what the opener asks for, then what the browser prefers.
 */
export function pickLanguage<L extends string>(
  available: readonly L[],
  wanted: readonly (string | null | undefined)[],
) {
  for (const tag of wanted) {
    const whole = tag?.trim().toLowerCase().replaceAll("_", "-") ?? ""
    const found = available.find((one) => one === whole) ?? available.find((one) => one === whole.split("-")[0])
    if (found) return found
  }
  return available[0] as L
}

/** Puts values into the `{name}` places of a sentence. What is put in is never read for places again. */
export const fill = (text: string, values: Record<string, string | number> = {}): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? String(values[name]) : whole))

const rightToLeft = new Set(["ar", "fa", "he", "ur"])
export const directionOf = (language: string): "ltr" | "rtl" => (rightToLeft.has(language) ? "rtl" : "ltr")
