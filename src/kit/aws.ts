import { createHash, createHmac } from "node:crypto"
import { percentEncode, sortedQuery } from "./percent.ts"

export type AwsKeys = { keyId: string; secret: string; session?: string; region: string; service: string }
export type AwsRequest = {
  method: string
  url: URL
  /** Lower-case names; `host` is added, an `authorization` is left out. All of them are signed. */
  headers: Record<string, string>
  /** A stream cannot be digested; it goes out as `UNSIGNED-PAYLOAD`. */
  body: string | Uint8Array | ReadableStream<Uint8Array> | null
  now: Date
}

/**
 * The headers that AWS Signature Version 4 adds to a finished request, over all its headers and its body.
 * Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signAwsV4(keys: AwsKeys, { method, url, headers, body, now }: AwsRequest): Record<string, string> {
  const stamp = now.toISOString().replace(/[-:]|\.\d{3}/g, "")
  const digest = body instanceof ReadableStream ? "UNSIGNED-PAYLOAD" : sha256(body ?? "")
  const added = {
    "x-amz-date": stamp,
    "x-amz-content-sha256": digest,
    ...(keys.session ? { "x-amz-security-token": keys.session } : {}),
  }
  const all: Record<string, string> = { ...headers, ...added, host: url.host }
  delete all["authorization"]
  const names = Object.keys(all).toSorted()
  const canonical = [
    method,
    canonicalPath(url.pathname, keys.service),
    sortedQuery(url.search),
    ...names.map((name) => `${name}:${(all[name] ?? "").trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    digest,
  ].join("\n")
  const day = stamp.slice(0, 8)
  const scope = `${day}/${keys.region}/${keys.service}/aws4_request`
  const key = [day, keys.region, keys.service, "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${keys.secret}`)
  const signature = hmac(key, ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n")).toString("hex")
  const parts = [`Credential=${keys.keyId}/${scope}`, `SignedHeaders=${names.join(";")}`, `Signature=${signature}`]
  return { ...added, authorization: `AWS4-HMAC-SHA256 ${parts.join(", ")}` }
}

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex")
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest()

/** S3 wants the path encoded once, every other service wants the path of the URL encoded once more. */
function canonicalPath(path: string, service: string): string {
  return path
    .split("/")
    .map((segment) => percentEncode(service === "s3" ? decode(segment) : segment))
    .join("/")
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    // A percent sign that starts no escape stands for itself.
    return segment
  }
}
