import { describe, expect, test } from "bun:test"
import { findImports, resolveImport } from "../../src/functions/imports.ts"
import { bundle, loadBundle, places } from "./load-bundle.ts"

const action = (body: string) => `import { createAction } from 'nango'\n${body}`
const result = "\nexport default createAction({ exec: async () => value })"

describe("import shapes that work", () => {
  const shapes: [string, string, string][] = [
    ["named zod", "import { z } from 'zod'\nconst value = z.string().parse('a')", "a"],
    ["namespace zod", "import * as z from 'zod'\nconst value = z.string().parse('a')", "a"],
    ["default zod", "import z from 'zod'\nconst value = z.string().parse('a')", "a"],
    ["default crypto", "import crypto from 'crypto'\nconst value = typeof crypto.randomUUID()", "string"],
    ["named crypto", "import { randomUUID } from 'crypto'\nconst value = randomUUID().length + ''", "36"],
    [
      "node:crypto",
      "import { createHash } from 'node:crypto'\nconst value = createHash('md5').update('').digest('hex').slice(0, 4)",
      "d41d",
    ],
    ["url", "import { URLSearchParams } from 'url'\nconst value = new URLSearchParams({ a: '1' }).toString()", "a=1"],
    [
      "node:url",
      "import * as url from 'node:url'\nconst value = new url.URLSearchParams({ a: '1' }).toString()",
      "a=1",
    ],
    ["default soap", "import soap from 'soap'\nconst value = soap.createClientAsync('x')", "client"],
    [
      "soap with names",
      "import soap, { security } from 'soap'\nconst value = soap.createClientAsync('x') + security.WSSecurity",
      "clientws",
    ],
    ["unzipper", "import unzipper from 'unzipper'\nconst value = unzipper.Open", "open"],
    ["relative without suffix", "import { b } from './b'\nconst value = b", "b"],
    ["relative with .js", "import { b } from './b.js'\nconst value = b", "b"],
    ["relative with .ts", "import { b } from './b.ts'\nconst value = b", "b"],
    ["parent folder", "import { up } from '../up.js'\nconst value = up", "up"],
    ["folder with index", "import { deep } from './deep'\nconst value = deep", "deep"],
    ["folder with slash", "import { deep } from './deep/'\nconst value = deep", "deep"],
    ["folder index by name", "import { deep } from './deep/index.js'\nconst value = deep", "deep"],
    ["this folder", "import { here } from '.'\nconst value = here", "here"],
    ["detour", "import { b } from './deep/../../syncs/./b.js'\nconst value = b", "b"],
    ["re-export", "import { again } from './again.js'\nconst value = again", "b"],
    ["dynamic", "const value = await0()\nfunction await0() { return import('./b.js').then((m) => m.b) }", "b"],
    [
      "type of a package",
      "import type { X } from 'lodash'\nimport { type Y } from 'axios'\nconst value: X & Y = 'a' as never",
      "a",
    ],
    ["type by import()", "const value: import('lodash').X = 'a' as never", "a"],
    ["type re-export", "export type { X } from '@nangohq/runner-sdk'\nconst value = 'a'", "a"],
    [
      "types from nango as values",
      "import { ProxyConfiguration, NangoSync } from 'nango'\nconst value: ProxyConfiguration | NangoSync = 'a' as never",
      "a",
    ],
    ["type of a missing file", "import type { Foo } from './nothing.js'\nconst value: Foo = 'a' as never", "a"],
    ["unicode path", "import { u } from './größe-日本 😀.js'\nconst value = u", "ü"],
    ["space, percent and hash in a path", "import { p } from './100% #1?.js'\nconst value = p", "p"],
  ]
  test.each(shapes)("%s", async (_name, body, expected) => {
    const bundled = await bundle({
      "demo/syncs/a.ts": action(body) + result,
      "demo/syncs/b.ts": "export const b = 'b'",
      "demo/up.ts": "export const up: string = 'up'",
      "demo/syncs/deep/index.ts": "export const deep = 'deep'",
      "demo/syncs/index.ts": "export const here = 'here'",
      "demo/syncs/again.ts": "export { b as again } from './b.js'",
      "demo/syncs/größe-日本 😀.ts": "export const u = 'ü'",
      "demo/syncs/100% #1?.ts": "export const p = 'p'",
    })
    expect(places(bundled)).toEqual([])
    expect(await loadBundle(bundled).default.exec()).toBe(expected)
  })

  test("nothing but the allowed modules is asked for by name", async () => {
    const bundled = await bundle({ "a/b/c.ts": action("import { z } from 'zod'\nconst value = z") + result })
    if (!bundled.ok) throw new Error("failed")
    expect([...bundled.code.matchAll(/require\("([^"]+)"\)/g)].map((one) => one[1])).toEqual(["nango", "zod"])
    expect(bundled.code).not.toContain("debugId")
  })
})

describe("imports that are refused, with their place", () => {
  const refused: [string, string][] = [
    ["import fs from 'fs'", "2:16 disallowed_import"],
    ["import fs from 'fs'\nfs.readFileSync", "2:16 disallowed_import"],
    ["import { exec } from \"node:child_process\"\nexec('id')", "2:22 disallowed_import"],
    ["import 'bun:sqlite'", "2:8 disallowed_import"],
    ["import bun from 'bun'\nbun.spawn", "2:17 disallowed_import"],
    ["import * as wrap from 'bun:wrap'\nwrap", "2:23 disallowed_import"],
    ["import { feature } from 'bun:bundle'\nfeature('x')", "2:25 disallowed_import"],
    ["import axios from 'axios'", "2:19 disallowed_import"],
    ["import { createFunction } from 'nango/experimental'", "2:32 disallowed_import"],
    ["import x from 'zod/v3'", "2:15 disallowed_import"],
    ["export * from 'os'", "2:15 disallowed_import"],
    ["export { cpus } from 'os'", "2:22 disallowed_import"],
    ["import fs = require('fs')\nfs.x", "2:21 disallowed_import"],
    ["const fs = require('fs')", "2:20 disallowed_import"],
    ["const fs = require(`fs`)", "2:20 disallowed_import"],
    ["const fs = require('\\x66s')", "2:20 disallowed_import"],
    ["require.resolve('fs')", "2:17 disallowed_import"],
    ["const load = () => import('fs')", "2:27 disallowed_import"],
    ["const load = (n: string) => import(n)", "2:36 disallowed_import"],
    ["const load = (n: string) => require(n)", "2:29 disallowed_import"],
    ["import x from '/etc/passwd'\nx", "2:15 disallowed_import"],
    ["import x from 'file:///etc/passwd'\nx", "2:15 disallowed_import"],
    ["import x from '../../../../../../etc/passwd'\nx", "2:15 disallowed_import"],
    ["import x from './../../../etc/hostname'\nx", "2:15 disallowed_import"],
    ["import x from '..\\\\..\\\\etc'\nx", "2:15 disallowed_import"],
    ["import x from 'https://example.com/x.js'\nx", "2:15 disallowed_import"],
    ["import x from 'data:text/javascript,export default 1'\nx", "2:15 disallowed_import"],
    ["import x from '//example.com/x'\nx", "2:15 disallowed_import"],
    ["import x from ''\nx", "2:15 disallowed_import"],
    ["import x from './data.json'\nx", "2:15 disallowed_import"],
    ["import x from './b.ts' with { type: 'file' }\nx", "2:15 unsupported_syntax"],
    ["import x from './b.ts' with { type: 'sqlite' }\nx", "2:15 unsupported_syntax"],
    ["import x from './b.ts' assert { type: 'text' }\nx", "2:15 unsupported_syntax"],
    ["const load = () => import('./b.ts', { with: { type: 'text' } })", "2:27 unsupported_syntax"],
    ["const here = import.meta.url", "2:14 unsupported_syntax"],
    ["import { x } from './missing.js'\nx()", "2:19 unresolved_import"],
    ["import { x } from '../models.js'\nx()", "2:19 unresolved_import"],
    ["import { nope } from './b.js'\nnope()", "2:10 unresolved_import"],
  ]
  test.each(refused)("%s", async (line, place) => {
    const bundled = await bundle({
      "demo/syncs/a.ts": `import { createAction } from 'nango'\n${line}\nexport default createAction({ exec: async () => {} })`,
      "demo/syncs/b.ts": "export const b = 'b'",
      "demo/syncs/data.json": "{}",
    })
    expect(places(bundled)).toEqual([`demo/syncs/a.ts:${place}`])
  })

  test("in an imported file, with the name in the message", async () => {
    const bundled = await bundle({
      "demo/syncs/a.ts": "import { b } from './b.js'\nexport default async () => b",
      "demo/syncs/b.ts": "// first\nimport { spawn } from 'child_process'\nexport const b = spawn",
    })
    expect(places(bundled)).toEqual(["demo/syncs/b.ts:2:23 disallowed_import"])
    if (!bundled.ok) expect(bundled.errors[0]?.message).toContain('"child_process" is not allowed')
  })

  test("look-alikes in comments, strings, templates and regular expressions do not draw the place", async () => {
    const lines = [
      "/* import a from 'os' */ // import b from 'os'",
      "const s = \"import c from 'os'\", t = `import d from 'os' ${ \"import e from 'os'\" }`",
      "const r = /import f from 'os'/g, q = 8 / 2 / 1, w = /[/'\"]/",
      "import type { G } from 'os'; const é = '😀'; import {",
      "  cpus,",
      "} from /* why */",
      "    'os'",
      "export default async () => [s, t, r, q, w, é, cpus as G]",
    ]
    const bundled = await bundle({ "demo/syncs/a.ts": lines.join("\n") })
    expect(places(bundled)).toEqual(["demo/syncs/a.ts:7:5 disallowed_import"])
  })
})

describe("older projects", () => {
  test("a missing models file is empty", async () => {
    const bundled = await bundle({
      "demo/syncs/a.ts":
        "import { NangoSync, Issue, Base, ActionError } from '../../models'\nimport { Other } from './models.js'\n" +
        "export default async function fetchData(nango: NangoSync) { return [typeof Base, typeof new Object(Other), typeof ActionError, {} as Issue] }",
    })
    expect(places(bundled)).toEqual([])
    expect(await loadBundle(bundled).default()).toEqual(["undefined", "object", "function", {}])
  })

  /** As the compile of older projects writes it: models, then the types of the SDK of that time. */
  const generated = [
    "export interface Issue { id: string }",
    '/// <reference types="node" />',
    "import { Nango } from '@nangohq/node'",
    "import type { AxiosResponse } from 'axios'",
    "export declare class ActionError extends Error { constructor(payload?: Record<string, unknown>) }",
    "export declare class NangoAction { protected nango: Nango; get(): Promise<AxiosResponse> }",
    "export enum PaginationType { CURSOR = 'cursor' }",
  ]

  test("a generated models file is taken with the imports of its types", async () => {
    const bundled = await bundle({
      "demo/actions/a.ts":
        "import { NangoAction, Issue, ActionError, PaginationType } from '../../models'\n" +
        "export default async function runAction(nango: NangoAction) { return [PaginationType.CURSOR, new ActionError() instanceof Error, {} as Issue] }",
      "models.ts": generated.join("\n"),
    })
    expect(places(bundled)).toEqual([])
    expect(await loadBundle(bundled).default()).toEqual(["cursor", true, {}])
  })

  test("what a models file really uses is refused as anywhere, and so is what Bun would answer by itself", async () => {
    const entry = "import { x } from '../../models'\nexport default async () => x"
    const at = async (line: string) => places(await bundle({ "demo/syncs/a.ts": entry, "models.ts": line }))
    expect(await at("import { Nango } from '@nangohq/node'\nexport const x = new Nango()")).toEqual([
      "models.ts:1:23 disallowed_import",
    ])
    expect(await at("import { a } from 'bun:sqlite'\nexport const x = 1")).toEqual(["models.ts:1:19 disallowed_import"])
  })

  test("a models file that exists is used", async () => {
    const bundled = await bundle({
      "demo/syncs/a.ts": "import { X } from '../../models'\nexport default async () => X",
      "models.ts": "export const X = 7",
    })
    expect(await loadBundle(bundled).default()).toBe(7)
  })
})

test("resolveImport prefers the .ts twin, then the file, then the folder", () => {
  const files = new Map([
    ["a/x.ts", ""],
    ["a/x/index.ts", ""],
    ["a/y/index.ts", ""],
    ["a/z.js.ts", ""],
  ])
  expect(resolveImport(files, "a/main.ts", "./x")).toEqual({ kind: "file", path: "a/x.ts" })
  expect(resolveImport(files, "a/main.ts", "./x/")).toEqual({ kind: "file", path: "a/x/index.ts" })
  expect(resolveImport(files, "a/main.ts", "./y")).toEqual({ kind: "file", path: "a/y/index.ts" })
  expect(resolveImport(files, "a/y/index.ts", "..").kind).toBe("refused")
  expect(resolveImport(files, "a/main.ts", "./z.js")).toEqual({ kind: "file", path: "a/z.js.ts" })
})

test("findImports tells the kinds apart", () => {
  const found = findImports(
    "import './a'\nimport x from './b'\nimport type Y from './c'\nimport type from './d'\nrequire('e')",
  )
  expect(found.map((one) => [one.specifier, one.kind, one.typeOnly])).toEqual([
    ["./a", "side-effect", false],
    ["./b", "from", false],
    ["./c", "from", true],
    ["./d", "from", false],
    ["e", "call", false],
  ])
})
