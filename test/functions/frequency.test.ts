import { describe, expect, test } from "bun:test"
import { Cron } from "croner"
import { parseFrequency } from "../../src/functions/frequency.ts"

const S = 1000
const M = 60 * S
const H = 60 * M
const D = 24 * H

describe("intervals", () => {
  test.each<[string, number, string]>([
    ["every half day", 12 * H, "12h"],
    ["every half hour", 30 * M, "30m"],
    ["every quarter hour", 15 * M, "15m"],
    ["every hour", H, "1h"],
    ["every day", D, "1d"],
    ["every week", 7 * D, "1w"],
    ["every month", 30 * D, "30d"],
    ["half day", 12 * H, "12h"],
    ["half hour", 30 * M, "30m"],
    ["quarter hour", 15 * M, "15m"],
    ["hour", H, "1h"],
    ["day", D, "1d"],
    ["week", 7 * D, "1w"],
    ["month", 30 * D, "30d"],
    ["every minute", M, "1m"],
    ["minutes", M, "1m"],
    ["every h", H, "1h"],
    ["every 5 minutes", 5 * M, "5 minutes"],
    ["every 30 minutes", 30 * M, "30 minutes"],
    ["every 6 hours", 6 * H, "6 hours"],
    ["every 1h", H, "1h"],
    ["every 5m", 5 * M, "5m"],
    ["every 1 hour", H, "1 hour"],
    ["every 1 day", D, "1 day"],
    ["every 6min", 6 * M, "6min"],
    ["every 3 week", 21 * D, "3 week"],
    ["every 1.5 hours", 1.5 * H, "1.5 hours"],
    ["every .5h", 30 * M, ".5h"],
    ["30s", 30 * S, "30s"],
    ["every 30 secs", 30 * S, "30 secs"],
    ["every 45 seconds", 45 * S, "45 seconds"],
    ["every 90 sec", 90 * S, "90 sec"],
    ["every 2 hrs", 2 * H, "2 hrs"],
    ["every 2 weeks", 14 * D, "2 weeks"],
    ["every 1 year", 365.25 * D, "1 year"],
    ["every 45000 ms", 45 * S, "45000 ms"],
    ["every 60000", M, "60000"],
    ["EVERY 5 Minutes", 5 * M, "5 Minutes"],
    ["  every   5   minutes ", 5 * M, "5 minutes"],
    ["every Hour", H, "1h"],
  ])("%s", (text, ms, echoed) => {
    expect(parseFrequency(text)).toEqual({ ok: true, ms, text: echoed })
  })

  test.each([
    ["every 29s", "sync_interval_too_short"],
    ["every second", "sync_interval_too_short"],
    ["every 29999 ms", "sync_interval_too_short"],
    ["every 0.4 minutes", "sync_interval_too_short"],
    ["0h", "sync_interval_too_short"],
    ["every -5m", "sync_interval_too_short"],
    ["5", "sync_interval_too_short"],
    ["", "sync_interval_invalid"],
    ["every", "sync_interval_invalid"],
    ["every ", "sync_interval_invalid"],
    ["every now and then", "sync_interval_invalid"],
    ["every 2 months", "sync_interval_invalid"],
    ["every 5 parsecs", "sync_interval_invalid"],
    ["every five minutes", "sync_interval_invalid"],
    ["every every hour", "sync_interval_invalid"],
    ["every 1e3 hours", "sync_interval_invalid"],
    ["every Infinity", "sync_interval_invalid"],
    ["every 5 minutes 3 seconds", "sync_interval_invalid"],
    ["* * * * *", "sync_interval_invalid"],
    ["every 999999999999999 years", "sync_interval_invalid"],
    [`every ${"9".repeat(90)}h`, "sync_interval_invalid"],
    ["x".repeat(100_000), "sync_interval_invalid"],
  ])("refused: %s", (text, code) => {
    const parsed = parseFrequency(text)
    expect(parsed).toMatchObject({ ok: false, code })
    if (!parsed.ok) expect(parsed.message.length).toBeLessThan(300)
  })
})

describe("time tables", () => {
  test.each<[string, string, string]>([
    ["cron(0 9 * * 1-5, Europe/Berlin)", "0 9 * * 1-5", "Europe/Berlin"],
    ["cron(0 9 * * 1-5,Europe/Berlin)", "0 9 * * 1-5", "Europe/Berlin"],
    ["cron(0,30 9 * * MON,TUE, America/New_York)", "0,30 9 * * MON,TUE", "America/New_York"],
    ["cron(0 9 * * MON,TUE)", "0 9 * * MON,TUE", "UTC"],
    ["cron(*/15 * * * *)", "*/15 * * * *", "UTC"],
    ["CRON( 0  9 * * *,  UTC )", "0 9 * * *", "UTC"],
    ["cron(0 0 1 * *, Etc/GMT+5)", "0 0 1 * *", "Etc/GMT+5"],
  ])("%s", (text, cron, timezone) => {
    expect(parseFrequency(text)).toEqual({ ok: true, cron, timezone, text: `cron(${cron}, ${timezone})` })
  })

  test("what it gives is a fixed point, and means the local hour of the zone", () => {
    const parsed = parseFrequency("cron(0 9 * * *, Europe/Berlin)")
    if (!parsed.ok || parsed.cron === undefined) throw new Error("not a time table")
    expect(parseFrequency(parsed.text)).toEqual(parsed)
    const summer = new Cron(parsed.cron, { timezone: parsed.timezone }).nextRun(new Date("2025-07-01T00:00:00Z"))
    expect(summer?.toISOString()).toBe("2025-07-01T07:00:00.000Z")
  })

  test.each([
    "cron()",
    "cron(0 9 * *)",
    "cron(* * * * * *)",
    "cron(61 9 * * *)",
    "cron(0 9 31 2 *)",
    "cron(0 9 * * *, Mars/Olympus)",
    "cron(0 9 * * *",
    "cron(hello world a b c)",
    "every cron(0 9 * * *)",
  ])("refused: %s", (text) => {
    expect(parseFrequency(text)).toMatchObject({ ok: false, code: "sync_interval_invalid" })
  })
})
