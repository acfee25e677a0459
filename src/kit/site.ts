/**
 * The domain that somebody has registered: two labels, or three where the last two look like `co.uk`. Undefined for a
 * host that has none, such as an address or a bare name.
 */
export function siteOf(host: string): string | undefined {
  const labels = host.replace(/:\d+$/, "").toLowerCase().split(".")
  const [second = "", last = ""] = labels.slice(-2)
  const most = last.length === 2 && second.length <= 3 ? 3 : 2
  const isDomain = labels.length >= most && !labels.includes("") && !/^\d+$/.test(last)
  return isDomain ? labels.slice(-most).join(".") : undefined
}
