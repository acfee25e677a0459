export type Part = { name: string; content: string | Buffer; fileName?: string; type?: string }

/** The body of `multipart/form-data` (RFC 7578), byte for byte. */
export function buildMultipart(parts: readonly Part[], boundary: string): Buffer {
  const chunks = parts.flatMap(({ name, content, fileName, type }) => {
    const file = fileName === undefined ? "" : `; filename="${fileName}"`
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n`
    return [
      Buffer.from(type === undefined ? `${head}\r\n` : `${head}Content-Type: ${type}\r\n\r\n`),
      Buffer.from(content as string),
      Buffer.from("\r\n"),
    ]
  })
  return Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)])
}
