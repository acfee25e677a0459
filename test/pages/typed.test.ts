import { describe, expect, test } from "bun:test"
import type { Field } from "../../src/pages/connect/fields.ts"
import { problemOf, tidy } from "../../src/pages/connect/typed.ts"

const fieldOf = (entry: Partial<Field>): Field => ({ group: "config", name: "x", id: "x", isLong: false, ...entry })

describe("what was pasted", () => {
  const site = { prefix: "https://", suffix: ".acme.com" }
  test.each<[Partial<Field>, string, string]>([
    [site, "me", "me"],
    [site, "  me ", "me"],
    [site, "https://me.acme.com", "me"],
    [site, "HTTPS://ME.ACME.COM/", "ME"],
    [site, "http://me.acme.com/login?next=/#top", "me"],
    [site, "me.acme.com:443/x", "me"],
    [site, "me.acme.community", "me.acme.community"],
    [site, ".acme.com", ".acme.com"],
    [{ suffix: ".acme.com/api/v2" }, "https://me.acme.com/agent", "me"],
    [{ suffix: ".acme.com/api/v2" }, "me.acme.com/api/v2/users", "me"],
    [{ prefix: "https://api-", suffix: ".acme.com" }, "https://api-eu.acme.com/", "eu"],
    [{ prefix: "https://api-", suffix: ".acme.com" }, "api-eu.acme.com", "eu"],
    [{ prefix: "https://api-", suffix: ".acme.com" }, "api-eu", "api-eu"],
    [{ prefix: "https://" }, "https://me.example.com/base/", "me.example.com/base"],
    [{ prefix: "https://" }, "http://me.example.com", "me.example.com"],
    [{ prefix: "https://", format: "hostname" }, "https://me.example.com:8443/base?x", "me.example.com:8443"],
    [{ format: "hostname" }, "http://me.example.com/", "me.example.com"],
    [{}, " https://me.example.com/ ", "https://me.example.com/"],
    [{ isLong: true }, "\n-----BEGIN KEY-----\nab\n-----END KEY-----\n", "-----BEGIN KEY-----\nab\n-----END KEY-----"],
  ])("%o: %s is %s", (entry, typed, meant) => {
    expect(tidy(fieldOf(entry), typed)).toBe(meant)
    expect(tidy(fieldOf(entry), meant)).toBe(meant)
  })
})

describe("what is wrong", () => {
  test.each<[Partial<Field>, string, string | undefined]>([
    [{}, "", "required"],
    [{ optional: true }, "", undefined],
    [{ default_value: "" }, "", undefined],
    [{ enum: ["eu", 2] }, "2", undefined],
    [{ enum: ["eu", 2] }, "us", "badChoice"],
    [{ pattern: "^[a-z]+$" }, "abc", undefined],
    [{ pattern: "^[a-z]+$" }, "ABC", "badPattern"],
    [{ pattern: "(" }, "anything", undefined],
    [{ format: "hostname" }, "api.example.com", undefined],
    [{ format: "hostname" }, "localhost:8080", undefined],
    [{ format: "hostname" }, "-x.example.com", "badHostname"],
    [{ format: "hostname" }, "a b", "badHostname"],
    [{ format: "uuid" }, "123e4567-e89b-12d3-a456-426614174000", undefined],
    [{ format: "uuid" }, "123e4567", "badUuid"],
    [{ format: "uri" }, "https://example.com/x", undefined],
    [{ format: "uri" }, "example.com/x", "badUri"],
    [{ format: "email" }, "a@example.com", undefined],
    [{ format: "email" }, "a@example", "badEmail"],
  ])("%o: %s → %s", (entry, value, problem) => {
    expect(problemOf(fieldOf(entry), value)).toBe(problem as never)
  })
})
