import { Transform, type TransformCallback } from "stream"
import { host } from "./host.ts"

/** Takes the whole input first: an entry of an archive is in memory anyway. */
class InflateRaw extends Transform {
  readonly #chunks: Uint8Array[] = []

  override _transform(chunk: Uint8Array, _: string, done: TransformCallback): void {
    this.#chunks.push(chunk)
    done()
  }

  override _flush(done: TransformCallback): void {
    try {
      done(null, Buffer.from(host.inflateRaw(Buffer.concat(this.#chunks))))
    } catch (error) {
      // Streams tell of a failure by their callback.
      done(error as Error)
    }
  }
}

export const createInflateRaw = (): Transform => new InflateRaw()
export const gzipSync = (data: string | Uint8Array): Uint8Array => Buffer.from(host.gzip(Buffer.from(data as string)))
