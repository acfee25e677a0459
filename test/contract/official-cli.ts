import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { type Sluice, temporaryFolder } from "../helpers/sluice.ts"

const root = join(import.meta.dir, "../..")
const nango = join(root, "node_modules/nango-cli")
const node = Bun.which("node") ?? "node"

/** Lets the command line talk to this machine only, and notes whatever else it tries. */
const guard = (notes: string) => `
const net = require("node:net")
const fs = require("node:fs")
const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0]
  const host = typeof options === "object" ? options.host : typeof args[1] === "string" ? args[1] : undefined
  const isLocal = host === undefined || host === "localhost" || host === "::1" || /^127\\./.test(host)
  if (isLocal) return connect.apply(this, args)
  fs.appendFileSync(${JSON.stringify(notes)}, host + "\\n")
  throw new Error("The test keeps " + host + " out of reach")
}
`

export type Said = { code: number; stdout: string; stderr: string }

/** A fresh project of the official command line, as its own `init` lays it out, and the command line beside it. */
export function officialProject(sluice: Sluice) {
  const folder = temporaryFolder("official")
  const home = temporaryFolder("official-home")
  const notes = join(home, "reached")
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const functions = (...paths: string[]) => write("index.ts", paths.map((path) => `import './${path}.js'\n`).join(""))
  writeFileSync(join(home, "guard.cjs"), guard(notes))
  mkdirSync(join(folder, ".nango"))
  mkdirSync(join(folder, "node_modules"))
  symlinkSync(nango, join(folder, "node_modules/nango"))
  symlinkSync(join(nango, "node_modules/zod"), join(folder, "node_modules/zod"))
  write("tsconfig.json", readFileSync(join(nango, "example/tsconfig.json"), "utf8"))
  const devDependencies = { nango: "0.71.10", zod: "4.3.6" }
  write("package.json", JSON.stringify({ name: "integrations", private: true, type: "module", devDependencies }))
  return {
    folder,
    write,
    functions,
    read: (path: string) => readFileSync(join(folder, path), "utf8"),
    has: (path: string) => existsSync(join(folder, path)),
    remove: (path: string) => rmSync(join(folder, path)),
    /** Hosts that the command line wanted to reach beside this machine. */
    reached: () => (existsSync(notes) ? readFileSync(notes, "utf8") : ""),
    async run(args: string[], env: Record<string, string> = { NANGO_SECRET_KEY_DEV: sluice.key }): Promise<Said> {
      const proc = Bun.spawn(
        [node, join(nango, "dist/index.js"), ...args, "--no-interactive", "--no-dependency-update"],
        {
          cwd: folder,
          env: {
            PATH: process.env.PATH ?? "",
            HOME: home,
            NODE_OPTIONS: `--require ${join(home, "guard.cjs")}`,
            NO_COLOR: "1",
            NANGO_CLI_DEPENDENCY_UPDATE: "false",
            NANGO_CLI_UPGRADE_MODE: "ignore",
            NANGO_CLI_TELEMETRY: "false",
            NANGO_HOSTPORT: sluice.url,
            ...env,
          },
          stdio: ["ignore", "pipe", "pipe"],
        },
      )
      const [stdout, stderr, code] = await Promise.all([
        new Response(proc.stdout).text(),
        new Response(proc.stderr).text(),
        proc.exited,
      ])
      return { code, stdout, stderr }
    },
    close() {
      rmSync(folder, { recursive: true, force: true })
      rmSync(home, { recursive: true, force: true })
    },
  }
}
export type OfficialProject = ReturnType<typeof officialProject>
