const refuse = (what: string) => () => {
  throw new Error(`${what} is not available in functions`)
}

export const readFile = refuse("Reading files")
export const createReadStream = refuse("Reading files")
export const stat = refuse("Reading files")
export const createWriteStream = refuse("Writing files")
export const ensureDir = refuse("Writing files")
export const Agent = refuse("A client certificate of soap")
export const NtlmClient = refuse("NTLM authentication")
export const MultipartParser = refuse("Reading attachments of soap answers")
export const GetObjectCommand = refuse("S3")
export const HeadObjectCommand = refuse("S3")
