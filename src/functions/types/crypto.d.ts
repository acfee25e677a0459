type Bytes = ArrayBuffer | ArrayBufferView
type Data = string | Bytes
type TextEncoding = "hex" | "base64" | "base64url" | "latin1" | "binary" | "utf8" | "utf-8" | "ascii"

export interface Hash {
  update(data: string | ArrayBufferView, encoding?: TextEncoding): this
  digest(): Buffer
  digest(encoding: TextEncoding): string
  copy(): Hash
}
export interface Hmac {
  update(data: string | ArrayBufferView, encoding?: TextEncoding): this
  digest(): Buffer
  digest(encoding: TextEncoding): string
}
export interface Cipher {
  update(data: string | ArrayBufferView): Buffer
  update(data: string | ArrayBufferView, from: TextEncoding | undefined, to: TextEncoding): string
  update(data: string, from: TextEncoding): Buffer
  final(): Buffer
  final(encoding: TextEncoding): string
  getAuthTag(): Buffer
  setAAD(data: ArrayBufferView, options?: object): this
  setAutoPadding(on?: boolean): this
}
export interface Decipher extends Omit<Cipher, "getAuthTag"> {
  setAuthTag(tag: Data, encoding?: TextEncoding): this
}
export interface Signer {
  update(data: string | ArrayBufferView, encoding?: TextEncoding): this
  sign(key: any): Buffer
  sign(key: any, encoding: TextEncoding): string
}
export interface Verifier {
  update(data: string | ArrayBufferView, encoding?: TextEncoding): this
  verify(key: any, signature: Data, encoding?: TextEncoding): boolean
}
export interface KeyObject {
  readonly type: "secret" | "public" | "private"
  readonly asymmetricKeyType?: string
  export(options?: object): any
  equals(other: KeyObject): boolean
}

export declare function createHash(algorithm: string): Hash
export declare function createHmac(algorithm: string, key: Data | KeyObject): Hmac
export declare function hash(algorithm: string, data: Data, encoding?: TextEncoding): string
export declare function createCipheriv(
  algorithm: string,
  key: Data | KeyObject,
  iv: Data | null,
  options?: object,
): Cipher
export declare function createDecipheriv(
  algorithm: string,
  key: Data | KeyObject,
  iv: Data | null,
  options?: object,
): Decipher
export declare function createSign(algorithm: string): Signer
export declare function createVerify(algorithm: string): Verifier
export declare function sign(algorithm: string | null | undefined, data: ArrayBufferView, key: any): Buffer
export declare function verify(
  algorithm: string | null | undefined,
  data: ArrayBufferView,
  key: any,
  signature: ArrayBufferView,
): boolean

export declare function createPrivateKey(key: any): KeyObject
export declare function createPublicKey(key: any): KeyObject
export declare function createSecretKey(key: Data, encoding?: TextEncoding): KeyObject
export declare function generateKeyPairSync(type: string, options?: object): { publicKey: any; privateKey: any }
export declare function generateKeySync(type: "hmac" | "aes", options: { length: number }): KeyObject
export declare function publicEncrypt(key: any, data: ArrayBufferView | string): Buffer
export declare function publicDecrypt(key: any, data: ArrayBufferView | string): Buffer
export declare function privateEncrypt(key: any, data: ArrayBufferView | string): Buffer
export declare function privateDecrypt(key: any, data: ArrayBufferView | string): Buffer

export declare function randomBytes(size: number): Buffer
export declare function randomUUID(options?: object): `${string}-${string}-${string}-${string}-${string}`
export declare function randomInt(max: number): number
export declare function randomInt(min: number, max: number): number
export declare function randomFillSync<T extends ArrayBufferView>(into: T, offset?: number, size?: number): T
export declare function getRandomValues<T extends ArrayBufferView>(into: T): T
export declare function timingSafeEqual(one: ArrayBufferView, other: ArrayBufferView): boolean
export declare function pbkdf2Sync(
  password: Data,
  salt: Data,
  iterations: number,
  bytes: number,
  digest: string,
): Buffer
export declare function scryptSync(password: Data, salt: Data, bytes: number, options?: object): Buffer
export declare function hkdfSync(
  digest: string,
  key: Data | KeyObject,
  salt: Data,
  info: Data,
  bytes: number,
): ArrayBuffer
export declare function getHashes(): string[]
export declare function getCiphers(): string[]
export declare function getCurves(): string[]
export declare const constants: Record<string, any>
export declare const webcrypto: typeof globalThis.crypto

export * as default from "./crypto.js"
