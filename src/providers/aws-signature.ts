import { createHash, createHmac } from "node:crypto"

export type AwsRequest = {
  accessKey: string
  secretKey: string
  region: string
  service: string
  host: string
  method: string
  /** Path of the URL, already percent-encoded once. */
  path: string
  /** Query without `?`, in any order. */
  query: string
  /** Signed when given. */
  contentType: string | undefined
  /** Raw body; empty when there is none. */
  body: string
  now: Date
}

const sha256 = (text: string) => createHash("sha256").update(text, "utf8").digest("hex")
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text, "utf8").digest()

/** RFC 3986: everything but unreserved characters is encoded, which `encodeURIComponent` does not quite do. */
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * The `Authorization` value of AWS Signature Version 4 over `[content-type;]host;x-amz-date` and the body. The caller
 * sends the same instant as `x-amz-date` (`YYYYMMDDTHHmmssZ`).
 * Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signAwsRequest(request: AwsRequest): string {
  const stamp = request.now.toISOString().replace(/[-:]|\.\d{3}/g, "")
  const day = stamp.slice(0, 8)
  const headers: [string, string][] = [
    ["host", request.host],
    ["x-amz-date", stamp],
  ]
  if (request.contentType) headers.unshift(["content-type", request.contentType])
  const signedHeaders = headers.map(([name]) => name).join(";")
  const canonical = [
    request.method.toUpperCase(),
    canonicalPath(request),
    canonicalQuery(request.query),
    ...headers.map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, " ")}`),
    "",
    signedHeaders,
    sha256(request.body),
  ].join("\n")
  const scope = `${day}/${request.region}/${request.service}/aws4_request`
  const toSign = ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n")
  const key = [request.region, request.service, "aws4_request"].reduce<Buffer>(
    (previous, part) => hmac(previous, part),
    hmac(`AWS4${request.secretKey}`, day),
  )
  const signature = hmac(key, toSign).toString("hex")
  const credential = `${request.accessKey}/${scope}`
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`
}

/** Every service but S3 wants the path encoded a second time. */
function canonicalPath({ path, service }: AwsRequest): string {
  const absolute = path.startsWith("/") ? path : `/${path}`
  return service === "s3" ? absolute : absolute.split("/").map(encode).join("/")
}

function canonicalQuery(query: string): string {
  if (query === "") return ""
  const pairs = query.split("&").map((pair) => {
    const at = pair.indexOf("=")
    const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)]
    return [encode(decode(name)), encode(decode(value))] as const
  })
  pairs.sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
  return pairs.map(([name, value]) => `${name}=${value}`).join("&")
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b))

function decode(text: string): string {
  const spaced = text.replaceAll("+", " ")
  // A percent sign that starts no escape stands for itself.
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}
