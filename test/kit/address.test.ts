import { describe, expect, test } from "bun:test"
import { assert, constantFrom, ipV4, property } from "fast-check"
import {
  canonicalAddress,
  classifyAddress,
  isAddressAllowed,
  isAddressNamed,
  isNameAllowed,
  parseAllowList,
} from "../../src/kit/address.ts"

const CASES: [ip: string, reason: string][] = [
  ["8.8.8.8", "public"],
  ["1.1.1.1", "public"],
  ["172.15.255.255", "public"],
  ["172.32.0.0", "public"],
  ["100.63.255.255", "public"],
  ["100.128.0.0", "public"],
  ["223.255.255.255", "public"],
  ["2606:4700:4700::1111", "public"],
  ["2a00:1450:4001:82a::200e", "public"],
  ["0.0.0.0", "unspecified"],
  ["0.1.2.3", "unspecified"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["10.0.0.1", "private"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "carrier-grade NAT"],
  ["100.127.255.255", "carrier-grade NAT"],
  ["169.254.169.254", "link-local"],
  ["192.0.0.1", "reserved"],
  ["192.0.2.1", "documentation"],
  ["198.51.100.7", "documentation"],
  ["203.0.113.7", "documentation"],
  ["192.88.99.1", "6to4"],
  ["198.18.0.1", "benchmarking"],
  ["198.19.255.255", "benchmarking"],
  ["224.0.0.1", "multicast"],
  ["239.255.255.255", "multicast"],
  ["240.0.0.1", "reserved"],
  ["255.255.255.255", "broadcast"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["::7f00:1", "v4-compatible"],
  ["::8.8.8.8", "v4-compatible"],
  ["::ffff:127.0.0.1", "v4-mapped"],
  ["::ffff:8.8.8.8", "v4-mapped"],
  ["::ffff:7f00:1", "v4-mapped"],
  ["::ffff:0:7f00:1", "v4-translated"],
  ["64:ff9b::7f00:1", "NAT64"],
  ["64:ff9b::808:808", "NAT64"],
  ["64:ff9b:1::1", "NAT64"],
  ["64:ff9b:1:ffff::1", "NAT64"],
  ["100::1", "discard"],
  ["2001::1", "Teredo"],
  ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"],
  ["2001:2::1", "benchmarking"],
  ["2001:20::1", "reserved"],
  ["2001:db8::1", "documentation"],
  ["3fff::1", "documentation"],
  ["2002:7f00:1::", "6to4"],
  ["fc00::1", "unique-local"],
  ["fd00:ec2::254", "unique-local"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local"],
  ["fec0::1", "site-local"],
  ["ff02::1", "multicast"],
  ["4000::1", "reserved"],
  ["5f00::1", "reserved"],
  ["", "invalid"],
  ["localhost", "invalid"],
  ["127.1", "invalid"],
  ["0x7f000001", "invalid"],
  ["[::1]", "invalid"],
]

describe("classifyAddress", () => {
  test.each(CASES)("%s is %s", (ip, reason) => expect(classifyAddress(ip)).toBe(reason))

  test("an IPv4 address inside any IPv6 wrapper is never public", () => {
    const wrappers = ["::ffff:", "::", "64:ff9b::", "::ffff:0:"]
    assert(property(ipV4(), constantFrom(...wrappers), (ip, wrapper) => classifyAddress(wrapper + ip) !== "public"))
  })
})

describe("parseAllowList", () => {
  test("ranges hold the addresses inside, and only those", () => {
    const allow = parseAllowList(["10.1.0.0/16", "fd12::/16", "192.168.0.7", "[::1]"])
    const inside = ["10.1.2.3", "::ffff:10.1.2.3", "fd12::9", "192.168.0.7", "::1"]
    const outside = ["10.2.0.0", "fd13::9", "192.168.0.8", "::2", "nonsense"]
    expect(inside.filter((ip) => !isAddressAllowed(allow, ip))).toEqual([])
    expect(outside.filter((ip) => isAddressAllowed(allow, ip))).toEqual([])
  })

  test("a single address is named, an address in a range is not", () => {
    const allow = parseAllowList(["10.0.0.0/8", "10.0.0.5", "::1/128"])
    expect(["10.0.0.5", "::ffff:10.0.0.5", "::1"].every((ip) => isAddressNamed(allow, ip))).toBe(true)
    expect(isAddressNamed(allow, "10.0.0.6")).toBe(false)
  })

  test("names match as a whole, wildcards match what is below", () => {
    const allow = parseAllowList(["CRM.internal", "*.example.test", "bücher.test", "dotted.test."])
    const yes = ["crm.internal", "a.example.test", "a.b.example.test", "xn--bcher-kva.test", "dotted.test"]
    const no = ["x.crm.internal", "example.test", "badexample.test", "a.example.test.evil.test"]
    expect(yes.filter((host) => !isNameAllowed(allow, host))).toEqual([])
    expect(no.filter((host) => isNameAllowed(allow, host))).toEqual([])
  })

  const bad = ["", "*", "*.", "http://x", "a:80", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/9", "127.1", "a b"]
  test.each([...bad, "0x7f000001", "a..b", "user@host", "a/b", "%31.test", "*.*.test", "10.0.0.0/-1"])(
    "refuses %p by name",
    (entry) => expect(() => parseAllowList(["10.0.0.0/8", entry])).toThrow(JSON.stringify(entry)),
  )

  test("one spelling for one address", () => {
    expect(canonicalAddress("::ffff:7f00:1")).toBe("127.0.0.1")
    expect(canonicalAddress("0:0:0:0:0:0:0:1")).toBe(canonicalAddress("::1"))
  })
})
