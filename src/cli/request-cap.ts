import { standalone } from "../kit/entry.ts"

const cap = "BUN_CONFIG_MAX_HTTP_REQUESTS"

/**
 * Bun reads its cap on requests in flight (256) once, when the process starts. So a daemon starts itself anew with a cap
 * that it never meets, in the same process number, before it has loaded anything else; measured, the start is not slower.
 */
export function raiseRequestCap(): void {
  const isDaemon = process.argv.slice(2).find((argument) => !argument.startsWith("-")) === "serve"
  if (!isDaemon || !standalone || process.platform !== "linux" || process.env[cap] !== undefined) return
  process.execve?.("/proc/self/exe", [process.argv0, ...process.argv.slice(2)], { ...process.env, [cap]: "65535" })
}
