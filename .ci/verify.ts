import { readdirSync } from "node:fs"

/** `bun run verify`: format, lint, types and the fast tests; before every commit. */
const slow = new Set([
  "check",
  "cli",
  "contract",
  "dryrun",
  "faults",
  "functions-corpus",
  "helpers",
  "hostile",
  "pages",
  "proxy-gateway",
  "runner",
])
const sources = ["src", "test", "bench", ".ci"]
const fast = readdirSync("test", { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !slow.has(entry.name))
  .map((entry) => `test/${entry.name}/`)
/** What needs no browser. */
const fastOfPages = ["fields", "typed", "page-logic", "serving"].map((name) => `test/pages/${name}.test.ts`)

/** Recorded fixtures and data files keep the form in which they were written. */
const code = sources.flatMap((folder) =>
  [...new Bun.Glob("**/*.{ts,tsx}").scanSync(folder)].map((file) => `${folder}/${file}`),
)

const bun = process.execPath
const steps: [name: string, command: string[]][] = [
  ["format", [bun, "fmt", "--check", ...code]],
  ["lint", ["node_modules/.bin/oxlint", "--type-aware", "--quiet", ...sources]],
  ...["tsconfig.json", "src/pages/tsconfig.json", "test/pages/tsconfig.json"].map((project): [string, string[]] => [
    `types of ${project}`,
    [bun, "check", "--no-script", "--no-pretty", "-p", project],
  ]),
  ["tests", [bun, "test", "--timeout=60000", "--parallel=2", ...fast, ...fastOfPages]],
]

if (process.argv.includes("--format")) {
  process.exit(Bun.spawnSync([bun, "fmt", ...code], { stdio: ["ignore", "inherit", "inherit"] }).exitCode)
}

for (const [name, command] of steps) {
  const started = performance.now()
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { stdio: ["ignore", "pipe", "pipe"] })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (exitCode !== 0) {
    console.error(`${stdout.toString()}${stderr.toString()}\n✗ ${name} (${seconds} s)`)
    process.exit(1)
  }
  console.log(`✓ ${name} (${seconds} s)`)
}
