// A module only here; see globals.d.ts.

type BufferBytes = Uint8Array | readonly number[] | ArrayBuffer | SharedArrayBuffer | string
type ReadNumber = (offset?: number) => number
type WriteNumber = (value: number, offset?: number) => number

interface Buffer extends Uint8Array<ArrayBuffer> {
  write(text: string, encoding?: Encoding): number
  write(text: string, offset: number, encoding?: Encoding): number
  write(text: string, offset: number, length: number, encoding?: Encoding): number
  toString(encoding?: Encoding, start?: number, end?: number): string
  toJSON(): { type: "Buffer"; data: number[] }
  equals(other: Uint8Array): boolean
  compare(other: Uint8Array, start?: number, end?: number, ownStart?: number, ownEnd?: number): -1 | 0 | 1
  copy(target: Uint8Array, targetStart?: number, start?: number, end?: number): number
  slice(start?: number, end?: number): Buffer
  subarray(start?: number, end?: number): Buffer
  fill(value: string | Uint8Array | number, offset?: number, end?: number, encoding?: Encoding): this
  fill(value: string | Uint8Array | number, encoding: Encoding): this
  includes(value: string | number | Uint8Array, from?: number, encoding?: Encoding): boolean
  indexOf(value: string | number | Uint8Array, from?: number, encoding?: Encoding): number
  lastIndexOf(value: string | number | Uint8Array, from?: number, encoding?: Encoding): number
  swap16(): Buffer
  swap32(): Buffer
  swap64(): Buffer
  readUInt8: ReadNumber
  readUInt16BE: ReadNumber
  readUInt16LE: ReadNumber
  readUInt32BE: ReadNumber
  readUInt32LE: ReadNumber
  readInt8: ReadNumber
  readInt16BE: ReadNumber
  readInt16LE: ReadNumber
  readInt32BE: ReadNumber
  readInt32LE: ReadNumber
  readFloatBE: ReadNumber
  readFloatLE: ReadNumber
  readDoubleBE: ReadNumber
  readDoubleLE: ReadNumber
  readUIntBE(offset: number, byteLength: number): number
  readUIntLE(offset: number, byteLength: number): number
  readIntBE(offset: number, byteLength: number): number
  readIntLE(offset: number, byteLength: number): number
  readBigInt64BE(offset?: number): bigint
  readBigInt64LE(offset?: number): bigint
  readBigUInt64BE(offset?: number): bigint
  readBigUInt64LE(offset?: number): bigint
  writeUInt8: WriteNumber
  writeUInt16BE: WriteNumber
  writeUInt16LE: WriteNumber
  writeUInt32BE: WriteNumber
  writeUInt32LE: WriteNumber
  writeInt8: WriteNumber
  writeInt16BE: WriteNumber
  writeInt16LE: WriteNumber
  writeInt32BE: WriteNumber
  writeInt32LE: WriteNumber
  writeFloatBE: WriteNumber
  writeFloatLE: WriteNumber
  writeDoubleBE: WriteNumber
  writeDoubleLE: WriteNumber
  writeBigInt64BE(value: bigint, offset?: number): number
  writeBigInt64LE(value: bigint, offset?: number): number
  writeBigUInt64BE(value: bigint, offset?: number): number
  writeBigUInt64LE(value: bigint, offset?: number): number
}

interface BufferConstructor {
  prototype: Buffer
  from(text: string, encoding?: Encoding): Buffer
  from(bytes: ArrayBuffer | SharedArrayBuffer, offset?: number, length?: number): Buffer
  from(value: BufferBytes | Iterable<number> | { valueOf(): BufferBytes }): Buffer
  alloc(bytes: number, fill?: string | Uint8Array | number, encoding?: Encoding): Buffer
  allocUnsafe(bytes: number): Buffer
  byteLength(value: string | ArrayBufferView | ArrayBuffer | SharedArrayBuffer, encoding?: Encoding): number
  concat(list: readonly Uint8Array[], bytes?: number): Buffer
  compare(one: Uint8Array, other: Uint8Array): -1 | 0 | 1
  isBuffer(value: any): value is Buffer
  isEncoding(name: string): name is Encoding
}
declare var Buffer: BufferConstructor
type BufferEncoding = Encoding

export {}
