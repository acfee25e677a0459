import { createHash, createHmac } from "node:crypto"
import type { Credentials } from "../auth/credentials.ts"
import { faults, type RequestBody } from "./model.ts"
import { percentEncode, sortedQuery } from "./percent.ts"

export type AwsInput = {
  credentials: Credentials
  method: string
  url: URL
  headers: Record<string, string>
  body: RequestBody
  now: Date
}

/**
 * The headers that AWS Signature Version 4 adds to a finished request, over all its headers and its body; none when the
 * credentials are not of that kind. A streamed body goes out as `UNSIGNED-PAYLOAD`. Throws `unsupported_auth` when
 * the credentials lack a key, region or service.
 * Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signAws({ credentials, method, url, headers, body, now }: AwsInput): Record<string, string> {
  if (credentials.type !== "AWS_SIGV4") return {}
  const { access_key_id: keyId, secret_access_key: secret, session_token: session, region, service } = credentials
  if (!isText(keyId) || !isText(secret) || !isText(region) || !isText(service)) {
    throw faults.unsupported_auth({
      message: "The connection has no temporary AWS keys, region or service yet",
    })
  }
  const stamp = now.toISOString().replace(/[-:]|\.\d{3}/g, "")
  const digest = body instanceof ReadableStream ? "UNSIGNED-PAYLOAD" : sha256(body ?? "")
  const added = {
    "x-amz-date": stamp,
    "x-amz-content-sha256": digest,
    ...(isText(session) ? { "x-amz-security-token": session } : {}),
  }
  const all: Record<string, string> = { ...headers, ...added, host: url.host }
  delete all["authorization"]
  const names = Object.keys(all).toSorted()
  const canonical = [
    method,
    canonicalPath(url.pathname, service),
    sortedQuery(url.search),
    ...names.map((name) => `${name}:${(all[name] ?? "").trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    digest,
  ].join("\n")
  const day = stamp.slice(0, 8)
  const scope = `${day}/${region}/${service}/aws4_request`
  const key = [day, region, service, "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${secret}`)
  const signature = hmac(key, ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n")).toString("hex")
  const parts = [`Credential=${keyId}/${scope}`, `SignedHeaders=${names.join(";")}`, `Signature=${signature}`]
  return { ...added, authorization: `AWS4-HMAC-SHA256 ${parts.join(", ")}` }
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== ""
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
