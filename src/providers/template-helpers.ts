import { createHash, createHmac, createPrivateKey, createPublicKey, sign } from "node:crypto"
import { signAwsRequest } from "./aws-signature.ts"
import type { HelperName } from "./template-parser.ts"
import { instantOf, lookUp, type TemplateScope } from "./template-scope.ts"

/** How the body of a call becomes arguments: as one text, cut at the last comma, or cut at every comma. */
type Arguments = "whole" | "last comma" | "commas"
/** Gives undefined when the call cannot be answered; the placeholder then stays as it is. */
type Helper = {
  takes: Arguments
  run: (args: string[], scope: TemplateScope) => string | undefined
}

const digest = (text: string, encoding: "hex" | "base64") => createHash("sha256").update(text, "utf8").digest(encoding)

/** Every function that a template can call. */
export const helpers: Record<HelperName, Helper> = {
  base64: {
    takes: "whole",
    run: ([text = ""]) => Buffer.from(text, "utf8").toString("base64"),
  },
  sha256Hex: { takes: "whole", run: ([text = ""]) => digest(text, "hex") },
  sha256Base64: {
    takes: "whole",
    run: ([text = ""]) => digest(text, "base64"),
  },
  hmacSha1Hex: {
    takes: "last comma",
    run: ([message = "", key = ""]) => createHmac("sha1", key.trim()).update(message, "utf8").digest("hex"),
  },
  ed25519Sign: {
    takes: "last comma",
    run: ([message = "", pem = ""]) => signEd25519(message, pem),
  },
  fingerprint: { takes: "whole", run: ([pem = ""]) => fingerprintOf(pem) },
  awsSigV4: { takes: "commas", run: signAws },
}

/** Keys typed into a one-line input often carry `\n` as two characters. */
function readPrivateKey(pem: string) {
  // Not a key: the caller's placeholder stays literal.
  try {
    return createPrivateKey(pem.trim().replaceAll("\\n", "\n"))
  } catch {
    return undefined
  }
}

function signEd25519(message: string, pem: string): string | undefined {
  const key = readPrivateKey(pem)
  if (key?.asymmetricKeyType !== "ed25519") return undefined
  return sign(null, Buffer.from(message, "utf8"), key).toString("base64")
}

/** `SHA256:` and the digest of the public half (SubjectPublicKeyInfo), as Snowflake's key-pair sign-in names a key. */
function fingerprintOf(pem: string): string | undefined {
  const key = readPrivateKey(pem)
  if (!key) return undefined
  const spki = createPublicKey(key).export({ type: "spki", format: "der" })
  return `SHA256:${createHash("sha256").update(spki).digest("base64")}`
}

function signAws(args: string[], scope: TemplateScope): string | undefined {
  const [accessKey, secretKey, region, service, host] = args
  if (!accessKey || !secretKey || !region || !service) return undefined
  const request = (name: string) => lookUp(name, scope, "object")
  return signAwsRequest({
    accessKey,
    secretKey,
    region,
    service,
    host: host || `${service}.amazonaws.com`,
    method: request("method") ?? "GET",
    path: request("path") ?? "/",
    query: request("urlCanonicalParams") ?? "",
    contentType: request("contentType"),
    body: request("bodyCanonicalParams") ?? "",
    now: instantOf(scope),
  })
}
