import * as streams from "stream"

// One kind of stream for all: duplexer2 would bring an older copy of its own.
export const { Duplex, PassThrough, Readable, Transform, Writable } = streams
