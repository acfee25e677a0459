type Rgb = readonly [red: number, green: number, blue: number]

const black: Rgb = [0, 0, 0]
const white: Rgb = [255, 255, 255]

/** Reads `#rgb` and `#rrggbb`; undefined for anything else. */
export function readColor(text: string): Rgb | undefined {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text)?.[1]
  if (!digits) return undefined
  const pairs = digits.length === 3 ? [...digits].map((one) => one + one) : (digits.match(/../g) ?? [])
  const [red = 0, green = 0, blue = 0] = pairs.map((pair) => Number.parseInt(pair, 16))
  return [red, green, blue]
}

const show = (color: Rgb): string => `#${color.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`

/** WCAG 2.2 relative luminance. */
function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** WCAG 2.2 contrast ratio, 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

/** Black or white, whichever reads better on the colour. One of both always has 4.5 to 1. */
const textOn = (color: Rgb): Rgb => (contrast(color, white) >= contrast(color, black) ? white : black)

/** The colour itself, or as far towards black or white as text on `ground` needs: 4.5 to 1 (WCAG AA). */
function readableOn(color: Rgb, ground: Rgb): Rgb {
  const towards = textOn(ground)
  for (let step = 0; step <= 20; step++) {
    const mixed = mix(color, towards, step / 20)
    // A little more, because parts are rounded when they are shown.
    if (contrast(mixed, ground) >= 4.55) return mixed
  }
  return towards
}

const mix = ([r, g, b]: Rgb, [r2, g2, b2]: Rgb, share: number): Rgb => [
  r + (r2 - r) * share,
  g + (g2 - g) * share,
  b + (b2 - b) * share,
]

/** The colours that follow from the operator's one: buttons, what stands on them, and links and focus rings on the page. */
export function accents(primary: string, ground: string): Record<"primary" | "hover" | "onPrimary" | "accent", string> {
  const color = readColor(primary) ?? [0, 178, 227]
  const on = textOn(color)
  return {
    primary: show(color),
    // Away from the text on it, so that its contrast only grows.
    hover: show(mix(color, on === white ? black : white, 0.12)),
    onPrimary: show(on),
    accent: show(readableOn(color, readColor(ground) ?? white)),
  }
}
