import { ensureBuild, executable, runForeground } from "./ensure-build.ts"

/** `npm run demo`: builds if needed, then `sluice demo`. */
ensureBuild()
process.exit(await runForeground([executable, "demo", ...process.argv.slice(2)]))
