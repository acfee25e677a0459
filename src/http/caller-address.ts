import ipaddr from "ipaddr.js"

/**
 * Whom an anonymous request is counted for. A peer inside a private network is taken for the operator's own reverse
 * proxy, and the last address that it noted counts; what a public peer claims does not. IPv6 callers count by their /64.
 */
export function callerAddress(headers: Headers, peer: string | undefined): string {
  if (peer === undefined) return "unknown"
  const noted = headers.get("x-forwarded-for")?.split(",").at(-1)?.trim()
  const trusted = isPrivate(peer) && noted !== undefined && ipaddr.isValid(noted)
  return networkOf(trusted ? noted : peer)
}

const privateRanges = ["private", "loopback", "linkLocal", "uniqueLocal", "carrierGradeNat"]
const isPrivate = (address: string): boolean =>
  ipaddr.isValid(address) && privateRanges.includes(ipaddr.process(address).range())

function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed.kind() === "ipv4") return parsed.toString()
  return parsed.toByteArray().slice(0, 8).join(".")
}
