export interface File {
  path: string
  type: "Directory" | "File"
  compressedSize: number
  uncompressedSize: number
  lastModifiedDateTime: Date
  comment: string
  buffer(password?: string): Promise<Buffer>
  stream(password?: string): any
  [name: string]: any
}

export interface CentralDirectory {
  files: File[]
  comment: string
  [name: string]: any
}

export declare const Open: {
  buffer(data: Uint8Array, options?: Record<string, any>): Promise<CentralDirectory>
}

export * as default from "./unzipper.js"
