import { randomBytes, randomUUID } from "node:crypto"
import { z } from "zod"
import { type AwsKeys, signAwsV4 } from "../../kit/aws.ts"
import { stsAnswer } from "../aws-answer.ts"
import { basicRaw } from "../client.ts"
import type { OtherCredentials } from "../credentials.ts"
import { isoExpiry, readInstant } from "../expiry.ts"
import { authFaults } from "../faults.ts"
import type { AuthCtx, AuthTarget, Mode, Obtained } from "../mode.ts"
import { requestToken, type TokenAnswer } from "../token-request.ts"
import { readTyped } from "../typed.ts"

const region = z.string().regex(/^[a-z0-9-]{1,64}$/)
const Typed = z.object({
  role_arn: z.string().regex(/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, "Not the ARN of a role"),
  region: region.optional(),
  external_id: z.string().min(2).max(1224).optional(),
})
type Inputs = z.output<typeof Typed>

const lifeSeconds = 3600

/**
 * Temporary keys of a role in the person's AWS account, from AWS itself or from a service of the owner's that holds the
 * trusted identity. Requests are signed with them (see `src/proxy/sign-aws.ts`).
 */
export const awsSigV4: Mode = {
  stores: ["AWS_SIGV4"],
  verified: false,
  open: ["role_arn", "region", "service", "external_id"],
  async typed(ctx, target, input) {
    const typed = readTyped(Typed, input)
    // One that the connection has already stays: the person's trust policy names it.
    const known = target.connectionConfig.external_id
    const external_id = typeof known === "string" && known !== "" ? known : (typed.external_id ?? randomUUID())
    const obtained = await assumeRole(ctx, target, { ...typed, external_id })
    await checkIdentity(ctx, obtained.credentials as OtherCredentials, typed.role_arn)
    return { ...obtained, connectionConfig: { external_id } }
  },
  renew: (ctx, target, stored) => assumeRole(ctx, target, stored as OtherCredentials & Inputs),
}

async function assumeRole(ctx: AuthCtx, target: AuthTarget, inputs: Inputs): Promise<Obtained> {
  const { role_arn, external_id } = inputs
  const { custom } = target
  const where = inputs.region ?? custom.defaultRegion ?? "us-east-1"
  const service = custom.service
  if (!service || !region.safeParse(where).success) {
    throw authFaults.provider_config_err({ message: "The integration needs a service and a region." })
  }
  const full = { ...inputs, region: where, service }
  const answer = custom.stsMode === "custom" ? await askCustom(ctx, target, full) : await askAws(ctx, target, full)
  const { keyId, secret, session, expiration, raw } = stsAnswer(answer.body)
  const expiresAt = readInstant(expiration, ctx.now()) ?? ctx.now().getTime() + lifeSeconds * 1000
  const credentials = {
    type: "AWS_SIGV4" as const,
    role_arn,
    region: where,
    service,
    access_key_id: keyId,
    secret_access_key: secret,
    session_token: session,
    expires_at: isoExpiry(expiresAt),
    external_id,
    raw,
  }
  return { credentials }
}

function askAws(ctx: AuthCtx, { custom }: AuthTarget, inputs: Inputs & { region: string }): Promise<TokenAnswer> {
  const { awsAccessKeyId: keyId, awsSecretAccessKey: secret } = custom
  if (!keyId || !secret)
    throw authFaults.provider_config_err({ message: "The integration needs the keys of the trusted identity." })
  return callSts(
    ctx,
    { keyId, secret, region: inputs.region, service: "sts" },
    {
      Action: "AssumeRole",
      RoleArn: inputs.role_arn,
      RoleSessionName: `nango-${randomBytes(8).toString("hex")}`,
      DurationSeconds: String(lifeSeconds),
      ...(inputs.external_id ? { ExternalId: inputs.external_id } : {}),
    },
  )
}

/** Source: docs.aws.amazon.com/STS/latest/APIReference (Query API). */
async function callSts(ctx: AuthCtx, keys: AwsKeys, params: Record<string, string>): Promise<TokenAnswer> {
  const suffix = keys.region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
  const url = new URL(`https://sts.${keys.region}.${suffix}/`)
  const body = new URLSearchParams({ ...params, Version: "2011-06-15" }).toString()
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" }
  const signed = signAwsV4(keys, { method: "POST", url, headers, body, now: ctx.now() })
  return requestToken(ctx, {
    url: url.href,
    body,
    headers: { ...headers, ...signed },
    secrets: [keys.secret, keys.session],
    refused: authFaults.aws_assume_role_error,
  })
}

/** The owner's own service answers with keys, in the words of AWS or in snake case. */
function askCustom(ctx: AuthCtx, { custom }: AuthTarget, inputs: Inputs & { service: string }): Promise<TokenAnswer> {
  const {
    stsEndpointUrl: url,
    stsAuthType,
    stsAuthHeader,
    stsApiKey = "",
    stsAuthUsername = "",
    stsAuthPassword = "",
  } = custom
  if (!url) throw authFaults.provider_config_err({ message: "The integration needs the URL of its token service." })
  const headers: Record<string, string> = {}
  if (stsAuthType === "api_key") headers[stsAuthHeader || "x-api-key"] = stsApiKey
  if (stsAuthType === "basic") headers.authorization = basicRaw(stsAuthUsername, stsAuthPassword)
  const { role_arn, external_id, region: where, service } = inputs
  return requestToken(ctx, {
    url,
    format: "json",
    params: { role_arn, external_id, region: where, service },
    headers,
    secrets: [stsApiKey, stsAuthPassword],
    refused: authFaults.aws_assume_role_error,
  })
}

/** Shows that the keys are good, and that they are those of the role. */
async function checkIdentity(ctx: AuthCtx, credentials: OtherCredentials, roleArn: string): Promise<void> {
  const text = (name: string) => String(credentials[name])
  const keys = {
    keyId: text("access_key_id"),
    secret: text("secret_access_key"),
    session: text("session_token"),
    region: text("region"),
    service: "sts",
  }
  const { body } = await callSts(ctx, keys, { Action: "GetCallerIdentity" })
  const role = roleArn.split("/").at(-1) ?? roleArn
  // `arn:aws:sts::<account>:assumed-role/<role>/<session>`
  if (JSON.stringify(body).includes(`assumed-role/${role}/`)) return
  throw authFaults.connection_test_failed({ message: "The keys that were given belong to another role." })
}
