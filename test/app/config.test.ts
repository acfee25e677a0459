import { describe, expect, test } from "bun:test"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadConfig } from "../../src/app/config.ts"
import { type Setting, settings } from "../../src/app/settings.ts"
import { generateMasterKey, sha256Hex } from "../../src/kit/crypto.ts"
import { AppError } from "../../src/kit/errors.ts"

const folder = mkdtempSync(join(tmpdir(), "sluice-config-"))
let files = 0
function fileOf(text: string, name = `f${++files}.yaml`): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const nothing = fileOf("")
type Input = Partial<Parameters<typeof loadConfig>[0]>
const load = (input: Input) => loadConfig({ flags: {}, env: {}, file: nothing, ...input })

/** The whole text that a person sees when the configuration is refused. */
function complaint(input: Input): string {
  try {
    load(input)
  } catch (error) {
    if (error instanceof AppError && error.code === "invalid_configuration") return error.message
    throw error
  }
  throw new Error("The configuration was accepted.")
}
const lines = (text: string) => text.split("\n").filter((line) => line.startsWith("  - "))

describe("where a value comes from", () => {
  const file = fileOf("port: 4\nlogLevel: error\n")

  test.each([
    ["the flag", { flags: { port: "1" }, env: { SLUICE_PORT: "2", SERVER_PORT: "3" }, file }, 1, "flag"],
    ["the environment", { env: { SLUICE_PORT: "2", SERVER_PORT: "3" }, file }, 2, "environment"],
    ["the older name", { env: { SERVER_PORT: "3" }, file }, 3, "environment"],
    ["the file", { file }, 4, "file"],
    ["the default", {}, 3003, "default"],
  ] as [string, Input, number, string][])("%s wins over what comes after it", (_, input, port, origin) => {
    const config = load(input)
    expect(config.port).toBe(port)
    expect(config.origins.port).toBe(origin as "flag")
  })

  test("a variable that is empty counts as not set, and so does an empty line of the file", () => {
    expect(load({ env: { SLUICE_PORT: "", SERVER_PORT: "3" } }).port).toBe(3)
    expect(load({ file: fileOf("port:\n") })).toMatchObject({ port: 3003, origins: { port: "default" } })
  })

  test("the file may be named by a variable", () => {
    expect(loadConfig({ flags: {}, env: { SLUICE_CONFIG: file } }).port).toBe(4)
  })

  test("a file that is named but is not there is an error; the usual one may be missing", () => {
    expect(complaint({ file: join(folder, "none.yaml") })).toContain(join(folder, "none.yaml"))
    expect(loadConfig({ flags: {}, env: {} }).port).toBe(3003)
  })

  test.each(Object.entries(settings as Record<string, Setting>))(
    "%s can be given as a file of its own",
    (key, setting) => {
      const isKey = setting.name.startsWith("SLUICE_ENCRYPTION_KEY")
      const value = isKey ? generateMasterKey() : sampleOf(setting)
      const config = load({ env: { [`${setting.name}_FILE`]: fileOf(`${value}\n`) } }) as Record<string, any>
      expect(config.origins[key]).toBe("environment")
      expect(String(config[key])).toBe(value)
    },
  )

  test("the value itself wins over its file", () => {
    expect(load({ env: { SLUICE_PORT: "5", SLUICE_PORT_FILE: fileOf("6") } }).port).toBe(5)
  })
})

const samples: Record<string, string> = {
  SLUICE_LOG_LEVEL: "debug",
  SLUICE_CONNECT_PRIMARY_COLOR: "#123456",
  SLUICE_CONNECT_PRIMARY_COLOR_DARK: "#123456",
  SLUICE_CONNECT_DEFAULT_THEME: "dark",
  SLUICE_CONNECT_FRAME_ANCESTORS: "https://app.example.com",
  SLUICE_WEBSOCKETS_PATH: "/live",
}

/** A value that is not the default, as text. */
function sampleOf(setting: Setting): string {
  if (typeof setting.default === "number") return String(setting.default + 1)
  if (typeof setting.default === "boolean") return String(!setting.default)
  const sample = samples[setting.name]
  if (sample !== undefined) return sample
  if (setting.name.endsWith("_URL")) return "https://sluice.test/"
  if (Array.isArray(setting.default)) return "10.0.0.0/8"
  return "some-text-of-length"
}

describe("what is refused", () => {
  test("all bad values are reported together, each by the name under which it was given", () => {
    const text = complaint({
      flags: { port: "70000" },
      env: {
        SLUICE_LOG_LEVEL: "loud",
        NANGO_SERVER_URL: "ftp://x",
        SLUICE_RUNNER_MAX: "0",
        SLUICE_SECRET_KEY: "short",
      },
      file: fileOf("runnerWarm: many\nnosuch: 1\nconstructor: 2\n"),
    })
    for (const name of [
      "--port",
      "SLUICE_LOG_LEVEL",
      "NANGO_SERVER_URL",
      "SLUICE_RUNNER_MAX",
      "SLUICE_SECRET_KEY",
      "runnerWarm",
      '"nosuch"',
      '"constructor"',
    ])
      expect(text).toContain(name)
    expect(lines(text)).toHaveLength(8)
  })

  test.each(["", " ", "x", "-1", "1.5", "1e3", "0x10", "99999999999", "Infinity", "NaN", true, [[]], {}])(
    "%p is no port",
    (port) => {
      expect(complaint({ flags: { port } })).toContain("--port")
    },
  )

  test.each(["10.0.0.0/33", "not a host!", "http://x", "300.1.1.1/8"])("%p cannot be allowed to leave", (entry) => {
    expect(complaint({ env: { SLUICE_EGRESS_ALLOW: `127.0.0.0/8,${entry}` } })).toContain("SLUICE_EGRESS_ALLOW")
  })

  test("an unknown setting is named with the file that it stands in", () => {
    const file = fileOf("prot: 1\n")
    expect(complaint({ file })).toContain(`${file}: there is no setting "prot"`)
  })

  test.each([
    ["a list", "- a\n"],
    ["a text", "hello"],
    ["broken YAML", "port: [1\n"],
    ["one name twice", "port: 1\nport: 2\n"],
  ])("a file that is %s", (_, text) => {
    const file = fileOf(text)
    expect(complaint({ file })).toContain(file)
  })

  test("a file of a secret that cannot be read is one problem, not two", () => {
    const text = complaint({ env: { SLUICE_DATA_DIR_FILE: join(folder, "none") } })
    expect(lines(text)).toHaveLength(1)
    expect(text).toContain("SLUICE_DATA_DIR_FILE")
  })
})

describe("secrets", () => {
  test.each([
    ["in a variable", { env: { SLUICE_SECRET_KEY: "hunt22", SLUICE_ENCRYPTION_KEY: "hunt22" } }],
    ["under an older name", { env: { NANGO_ENCRYPTION_KEY: "hunt22" } }],
    ["for one environment", { env: { NANGO_SECRET_KEY_PROD: "hunt22" } }],
    ["in a file of its own", { env: { SLUICE_SECRET_KEY_FILE: fileOf("hunt22") } }],
    ["in the file", { file: fileOf("secretKey: hunt22\n") }],
    ["in the file, in the wrong form", { file: fileOf("secretKey: [hunt22]\n") }],
    ["in a file that is no YAML", { file: fileOf('secretKey: "hunt22\nport: 1\n') }],
    ["in a file with a tab", { file: fileOf("secretKey: hunt22\n\tport: {\n") }],
    ["in a file that is only a text", { file: fileOf("hunt22") }],
  ] as [string, Input][])("%s are never quoted", (_, input) => {
    expect(complaint(input)).not.toContain("hunt22")
  })

  test("an encryption key that is none is refused with everything else", () => {
    const text = complaint({ flags: { port: "x" }, env: { SLUICE_ENCRYPTION_KEY: "x".repeat(44) } })
    expect(lines(text)).toHaveLength(2)
    expect(text).toContain("SLUICE_ENCRYPTION_KEY")
  })

  test("keys of environments are kept as digests only", () => {
    const config = load({
      env: {
        SLUICE_SECRET_KEY: "key-of-dev",
        NANGO_SECRET_KEY_PROD: "key-of-prod",
        NANGO_SECRET_KEY_MY_ENV: "key-of-mine",
        NANGO_SECRET_KEY_FILED_FILE: fileOf("key-of-filed\n"),
        NANGO_SECRET_KEY_EMPTY: "",
      },
    })
    expect(Object.fromEntries(config.fixedKeys)).toEqual({
      [sha256Hex("key-of-dev")]: "dev",
      [sha256Hex("key-of-prod")]: "prod",
      [sha256Hex("key-of-mine")]: "my_env",
      [sha256Hex("key-of-filed")]: "filed",
    })
  })

  test("an environment may have two keys, but a key only one environment", () => {
    const both = load({ env: { SLUICE_SECRET_KEY: "key-number-one", NANGO_SECRET_KEY_DEV: "key-number-two" } })
    expect([...both.fixedKeys.values()]).toEqual(["dev", "dev"])
    const text = complaint({ env: { SLUICE_SECRET_KEY: "the-same-key", NANGO_SECRET_KEY_PROD: "the-same-key" } })
    expect(text).toContain("NANGO_SECRET_KEY_PROD")
    expect(text).not.toContain("the-same-key")
  })
})

describe("values as they are read", () => {
  test("lists are given by commas or as a list", () => {
    const wanted = ["127.0.0.0/8", "db.internal"]
    expect(load({ env: { SLUICE_EGRESS_ALLOW: " 127.0.0.0/8 ,, db.internal," } }).egressAllow).toEqual(wanted)
    expect(load({ file: fileOf("egressAllow:\n  - 127.0.0.0/8\n  - db.internal\n") }).egressAllow).toEqual(wanted)
  })

  test.each([
    ["false", false],
    ["0", false],
    ["off", false],
    ["true", true],
    ["yes", true],
  ])("the delete brake set to %p is %p", (text, value) => {
    expect(load({ env: { SLUICE_DELETE_BRAKE: text } }).deleteBrake).toBe(value)
  })

  test("numbers of the file may be numbers or texts", () => {
    expect(load({ file: fileOf("port: 17\nrunnerMax: '18'\n") })).toMatchObject({ port: 17, runnerMax: 18 })
  })

  test("proxies are read in capital and in small letters", () => {
    const { proxies } = load({ env: { HTTPS_PROXY: "http://a:1", http_proxy: "http://b:2", no_proxy: "c" } })
    expect(proxies).toEqual({ https: "http://a:1", http: "http://b:2", no: "c" })
  })

  test("nobody can change them afterwards", () => {
    const config = load({}) as { port: number }
    expect(() => (config.port = 1)).toThrow()
  })

  test.each(Object.entries(settings as Record<string, Setting>))(
    "the default of %s is a value that is accepted",
    (_, setting) => {
      expect(setting.schema.safeParse(setting.default).success).toBe(true)
    },
  )

  test("no two settings share a name or a flag", () => {
    const rows = Object.values(settings as Record<string, Setting>)
    const names = rows.flatMap((row) => [row.name, ...(row.aliases ?? [])])
    const flags = rows.flatMap((row) => row.flag ?? [])
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(flags).size).toBe(flags.length)
  })
})
