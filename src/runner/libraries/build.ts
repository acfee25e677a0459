import type { LibraryName } from "./names.ts"

/** Parts of the libraries' own dependencies that functions do without, or that the runner does itself. */
const replaced: Record<string, string> = {
  axios: "client.ts",
  bluebird: "promises.ts",
  zlib: "compression.ts",
  assert: "assertions.ts",
  debug: "debug.ts",
  buffer: "buffer.ts",
  "readable-stream": "streams.ts",
  ...Object.fromEntries(
    ["fs", "fs-extra", "graceful-fs", "http", "https", "axios-ntlm", "formidable", "@aws-sdk/client-s3"].map((name) => [
      name,
      "unavailable.ts",
    ]),
  ),
}

/**
 * Bundles a library from `node_modules` into one CommonJS script. Its outside names are `require("crypto")` and
 * `require("sluice:host")`; files and sockets are out of its reach.
 * @throws Error with the bundler's messages
 */
export async function buildLibrary(name: LibraryName): Promise<string> {
  const built = await Bun.build({
    entrypoints: [require.resolve(name)],
    target: "browser",
    format: "cjs",
    minify: { whitespace: true, syntax: true },
    external: ["crypto", "sluice:host"],
    // Functions have no such global; libraries get a small one as an argument.
    define: { "globalThis.process": "process" },
    throw: false,
    plugins: [{ name: "functions-library", setup: replaceParts }],
  })
  const text = await built.outputs[0]?.text()
  if (built.success && text !== undefined) return text
  throw new Error(`The library ${name} cannot be bundled:\n${built.logs.map(String).join("\n")}`)
}

function replaceParts(builder: Bun.PluginBuilder): void {
  builder.onResolve({ filter: /^(node:)?[a-z@]/ }, ({ path }) => {
    const name = path.replace(/^node:/, "").replace(/\/$/, "")
    const own = Object.hasOwn(replaced, name) ? replaced[name] : undefined
    if (name === "crypto") return { path: "crypto", external: true }
    return own === undefined ? undefined : { path: `${import.meta.dir}/${own}` }
  })
}
