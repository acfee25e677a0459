import { afterAll, beforeEach, expect, test } from "bun:test"
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { readProject } from "../../src/functions/project.ts"
import { AppError } from "../../src/kit/errors.ts"

const base = await mkdtemp(join(tmpdir(), "sluice-project-"))
afterAll(() => rm(base, { recursive: true }))
let count = 0
let root = ""
beforeEach(async () => {
  root = join(base, `p${++count}`)
  await mkdir(root)
})

async function put(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
}

async function keys(dir = root): Promise<string[]> {
  return [...(await readProject(dir)).keys()]
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof AppError ? error.code : String(error)
}

test("sources only: no dependencies, builds, dot folders, tests or other files", async () => {
  await put({
    "index.ts": "1",
    "models.ts": "2",
    "nango.yaml": "3",
    "package.json": "{}",
    "package-lock.json": "{}",
    ".env": "SECRET=1",
    ".nango/nango.json": "[]",
    ".git/config.json": "",
    "node_modules/zod/index.ts": "",
    "build/a.ts": "",
    "dist/a.ts": "",
    "github/syncs/issues.ts": "4",
    "github/syncs/größe.ts": "5",
    "github/tests/issues.test.ts": "",
    "github/tests/issues.test.json": "{}",
    "github/README.md": "",
    "github/node_modules/x.ts": "",
  })
  const files = await readProject(root)
  expect([...files.keys()]).toEqual([
    "github/syncs/größe.ts",
    "github/syncs/issues.ts",
    "index.ts",
    "models.ts",
    "nango.yaml",
    "package.json",
  ])
  expect(files.get("github/syncs/issues.ts")).toBe("4")
})

test("the nango-integrations folder is used when the folder itself is no project", async () => {
  await put({ "nango-integrations/index.ts": "", "nango-integrations/a/syncs/b.ts": "", "src/app.ts": "" })
  expect(await keys()).toEqual(["a/syncs/b.ts", "index.ts"])
  await put({ "index.ts": "" })
  expect(await keys()).toContain("src/app.ts")
})

test("links inside the project are followed under their own name, links out of it are not", async () => {
  await writeFile(join(base, "outside.ts"), "secret")
  await mkdir(join(base, "elsewhere"), { recursive: true })
  await writeFile(join(base, "elsewhere", "x.ts"), "secret")
  await put({ "index.ts": "", "github/syncs/issues.ts": "text", ".hidden/x.ts": "secret", ".env": "secret" })
  await symlink("github", join(root, "github-app"))
  await symlink("issues.ts", join(root, "github/syncs/again.ts"))
  await symlink("..", join(root, "github/loop"))
  await symlink(join(base, "outside.ts"), join(root, "github/syncs/out.ts"))
  await symlink(join(base, "elsewhere"), join(root, "elsewhere"))
  await symlink("../../../../../../etc/passwd", join(root, "github/syncs/passwd.ts"))
  await symlink("nowhere.ts", join(root, "dangling.ts"))
  await symlink("self.ts", join(root, "self.ts"))
  await symlink(".hidden", join(root, "shown"))
  await symlink(".env", join(root, "env.ts"))
  const files = await readProject(root)
  expect([...files.keys()]).toEqual([
    "github-app/syncs/again.ts",
    "github-app/syncs/issues.ts",
    "github/syncs/again.ts",
    "github/syncs/issues.ts",
    "index.ts",
  ])
  expect([...files.values()].join()).not.toContain("secret")
})

test("a project may itself be reached by a link", async () => {
  await put({ "real/index.ts": "", "real/a/syncs/b.ts": "" })
  await symlink("real", join(root, "alias"))
  expect(await keys(join(root, "alias"))).toEqual(["a/syncs/b.ts", "index.ts"])
})

test("limits and missing folders have named errors", async () => {
  expect(await codeOf(readProject(join(root, "nowhere")))).toBe("project_not_found")
  await put({ "file.ts": "" })
  expect(await codeOf(readProject(join(root, "file.ts")))).toBe("project_not_found")
  await put({ "big.ts": "x".repeat(1024 * 1024 + 1) })
  expect(await codeOf(readProject(root))).toBe("project_too_large")
  await rm(join(root, "big.ts"))
  await put({ [`${"d/".repeat(13)}deep.ts`]: "" })
  expect(await codeOf(readProject(root))).toBe("project_too_large")
})
