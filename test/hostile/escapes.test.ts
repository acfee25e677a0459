import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { runnersOf } from "../faults/kills.ts"
import { deploy, temporaryFolder } from "../helpers/sluice.ts"
import { whileHealthy } from "./health.ts"
import { actionSource, openStage, secrets, type Stage } from "./stage.ts"
import { walk } from "./walk.ts"

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(async () => {
  const heard = await stage.heard()
  for (const secret of Object.values(secrets)) expect(heard).not.toContain(secret)
  expect(stage.fake.requests).toEqual([])
  await stage.stop()
})

describe("what belongs to the process is not there", () => {
  const uses = [
    "process.exit(0)",
    "process.abort()",
    "process.kill(process.ppid, 9)",
    "process.reallyExit(0)",
    "process.binding('fs')",
    "process.env.PLANTED",
    "Bun.env.PLANTED",
    "Bun.spawnSync(['env'])",
    "Bun.file('/etc/passwd').text()",
    "fetch('http://127.0.0.1:' + input.port)",
    "new WebSocket('ws://127.0.0.1:' + input.port)",
    "new Worker('data:text/javascript,1')",
    "postMessage({ t: 'done', outcome: { ok: true } })",
    "self.postMessage({ t: 'call', id: 1, call: 'variables.get', input: '{}' })",
    "addEventListener('message', () => {})",
    "new BroadcastChannel('x')",
    "new ShadowRealm().evaluate('1')",
    "WebAssembly.compile(new Uint8Array())",
    "module.constructor._load('fs')",
  ]
  test.each(uses)("%s", async (use) => {
    const answer = await whileHealthy(stage.sluice.url, () =>
      stage.act(`return await (${use})`, { input: { port: stage.fake.port } }),
    )
    expect(answer.status).toBe(500)
    expect(answer.body.error.code).toBe("script_internal_error")
    expect(answer.body.error.payload.name).toBe("ReferenceError")
  })
})

describe("no code comes from a text", () => {
  const sources = [
    "eval('1')",
    "(0, eval)('this')",
    "new Function('return 1')()",
    "Reflect.construct(Function, ['return 1'])()",
    "(async () => {}).constructor('return 1')()",
    "(function* () {}).constructor('yield 1')().next()",
    "(async function* () {}).constructor('yield 1')().next()",
  ]
  test.each(sources)("%s", async (source) => {
    const answer = await stage.act(`return await (${source})`)
    expect(answer.body.error?.code).toBe("script_internal_error")
    expect(answer.body.error.payload.name).toBe("EvalError")
  })

  test("a text given to a timer is refused", async () => {
    const answer = await stage.act("setTimeout('globalThis.x = 1', 0); return globalThis.x")
    expect(answer.body.error?.payload.name).toBe("TypeError")
  })

  test("no function within reach has a constructor that makes code, and nothing in reach says a secret", async () => {
    const needles = Object.values(secrets)
    const answer = await whileHealthy(stage.sluice.url, () => stage.act(walk, { input: { needles } }))
    expect(answer.text).toBe(JSON.stringify({ made: [], told: [], enough: true }))
    // The same walk finds what is planted for it: a text, and a function that leads to code.
    const planted = `globalThis.planted = { deep: [{ text: "say " + input.needles[0] }] };
      const fake: any = () => {}; Object.defineProperty(fake, "constructor", { value: () => () => 1 }); globalThis.door = fake\n`
    const found = await stage.act(planted + walk, { input: { needles } })
    expect(found.body.told).toContain("globalThis.planted.deep.0.text")
    expect(found.body.made).toContain("globalThis.door")
  }, 60_000)
})

describe("modules", () => {
  const refused: [top: string, body: string, place: string, code: string][] = [
    ["import fs from 'fs'", "return fs.readFileSync('/etc/passwd')", "3:16", "disallowed_import"],
    ["import * as fs from 'node:fs'", "return fs", "3:21", "disallowed_import"],
    ["import { spawn } from 'child_process'", "return spawn('id')", "3:23", "disallowed_import"],
    ["import { dlopen } from 'bun:ffi'", "return dlopen", "3:24", "disallowed_import"],
    ["import text from '/etc/passwd'", "return text", "3:18", "disallowed_import"],
    ["import text from 'file:///etc/passwd'", "return text", "3:18", "disallowed_import"],
    ["", "return require('fs').readFileSync('/etc/passwd')", "10:20", "disallowed_import"],
    ["", "return (await import('fs')).readFileSync('/etc/passwd')", "10:26", "disallowed_import"],
    ["", "const name = 'f' + 's'; return await import(name)", "10:49", "disallowed_import"],
    ["", "return import.meta.require('fs')", "10:12", "unsupported_syntax"],
    ["", "return import.meta.env.PLANTED", "10:12", "unsupported_syntax"],
    ["import text from './secret.txt' with { type: 'text' }", "return text", "3:18", "unsupported_syntax"],
    ["import text from '../../../../etc/passwd' with { type: 'text' }", "return text", "3:18", "unsupported_syntax"],
  ]
  test.each(refused)("deploy refuses %s %s", async (top, body, place, code) => {
    const [line, column] = place.split(":").map(Number)
    const files = { "fake/actions/bad.ts": actionSource(body, top), "fake/actions/secret.txt": "x" }
    const answer = await deploy(stage.sluice, files, { expectStatus: 400 })
    expect(answer.body.error.code).toBe("invalid_project")
    expect(answer.body.error.payload.diagnostics).toContainEqual({
      file: "fake/actions/bad.ts",
      line,
      column,
      code,
      message: expect.any(String),
    })
    for (const { code } of answer.body.error.payload.diagnostics) expect(code).not.toBe("syntax_error")
  })

  test("deploy refuses a name that is put together, once the bundler has put it together", async () => {
    const files = { "fake/actions/bad.ts": actionSource("return require('node:' + 'fs')") }
    const answer = await deploy(stage.sluice, files, { expectStatus: 400 })
    expect(answer.body.error.payload.diagnostics).toMatchObject([
      { file: "fake/actions/bad.ts", code: "disallowed_import" },
    ])
  })

  test("a macro is refused and does not run", async () => {
    const folder = temporaryFolder("macro")
    const proof = join(folder, "ran")
    const macro = `import { writeFileSync } from "node:fs"\nwriteFileSync(${JSON.stringify(proof)}, "ran")\nexport const x = () => 1`
    for (const attribute of ["with { type: 'macro' }", "assert { type: 'macro' }"]) {
      const source = actionSource("return x()", `import { x } from "./macro.js" ${attribute}`)
      const files = { "index.ts": "import './fake/actions/bad.js'", "fake/actions/bad.ts": source }
      const answer = await deploy(stage.sluice, { ...files, "fake/actions/macro.ts": macro }, { expectStatus: 400 })
      const places = answer.body.error.payload.diagnostics.map((one: any) => `${one.file}:${one.line}:${one.column}`)
      expect(places.join(" ")).toContain("fake/actions/bad.ts:3:")
    }
    expect(existsSync(proof)).toBe(false)
    rmSync(folder, { recursive: true })
  })

  const indirect: [name: string, body: string][] = [
    ["require under another name", "const load = require; return load('f' + 's').readFileSync('/etc/passwd')"],
    ["require by call", "return require.call(null, ['node', 'fs'].join(':'))"],
    ["require by apply", "return Reflect.apply(require, null, ['child_process'])"],
    ["require of the global object", "return globalThis.require('bun' + ':ffi')"],
    [
      "require of a thing that changes its mind",
      "let n = 0; const r = require; return r({ toString: () => (n++ ? 'fs' : 'zod') }).readFileSync()",
    ],
  ]
  test.each(indirect)("%s finds no module", async (_, body) => {
    const answer = await stage.act(body)
    expect(answer.body.error?.code).toBe("script_internal_error")
    expect(answer.body.error.payload.message).toMatch(/is not allowed|is not a function|undefined/)
  })
})

test.skipIf(process.platform !== "linux")("a runner process holds no secret of the daemon in its environment", () => {
  const runners = runnersOf(stage.sluice.pid)
  expect(runners.length).toBeGreaterThan(0)
  for (const pid of runners) {
    const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").filter(Boolean)
    const names = new Set(environment.map((line) => line.split("=")[0]))
    // Switches of the engine, which say nothing of the daemon.
    for (const name of names) if (name?.startsWith("BUN_JSC_")) names.delete(name)
    expect(names).toEqual(new Set(["BUN_OPTIONS", "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE"]))
  }
})
