import type { Credentials } from "../auth/credentials.ts"
import { type AwsRequest, signAwsV4 } from "../kit/aws.ts"
import { faults } from "./model.ts"

/**
 * The headers that sign a finished request for AWS; none when the credentials are not of that kind. Throws
 * `unsupported_auth` when the credentials lack a key, region or service.
 */
export function signAws(input: AwsRequest & { credentials: Credentials }): Record<string, string> {
  if (input.credentials.type !== "AWS_SIGV4") return {}
  const { credentials, ...request } = input
  const { access_key_id: keyId, secret_access_key: secret, session_token: session, region, service } = credentials
  if (!isText(keyId) || !isText(secret) || !isText(region) || !isText(service)) {
    throw faults.unsupported_auth({
      message: "The connection has no temporary AWS keys, region or service yet",
    })
  }
  return signAwsV4({ keyId, secret, session: isText(session) ? session : undefined, region, service }, request)
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== ""
