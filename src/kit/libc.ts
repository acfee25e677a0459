import { dlopen, type FFIFunction } from "bun:ffi"

/**
 * The C library of this Linux, glibc or musl. Throws what the loader said last when there is neither, or a symbol is
 * missing.
 */
export function openLibc(symbols: Record<string, FFIFunction>): Record<string, unknown> {
  const musl = process.arch === "arm64" ? "libc.musl-aarch64.so.1" : "libc.musl-x86_64.so.1"
  let failure: unknown
  for (const name of ["libc.so.6", musl]) {
    try {
      return dlopen(name, symbols).symbols
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
