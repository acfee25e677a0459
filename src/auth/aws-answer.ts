import { authFaults } from "./faults.ts"
import { type AnswerBody, memberAt, textAt } from "./token-answer.ts"

/** Where AWS puts the keys (XML or JSON), and where services of the owner's do. */
const places = ["AssumeRoleResponse.AssumeRoleResult.Credentials", "Credentials", "credentials", ""]

/** Temporary keys in camel, Pascal or snake case. Throws `aws_assume_role_error` when a part is missing. */
export function stsAnswer(body: AnswerBody): {
  keyId: string
  secret: string
  session: string
  expiration: unknown
  raw: Record<string, unknown>
} {
  const source = places
    .map((place) => memberAt(body, place))
    .find((value) => typeof value === "object" && value !== null)
  const read = (name: string) => {
    const camel = `${name[0]?.toLowerCase()}${name.slice(1)}`
    const snake = camel.replace(/[A-Z]/g, (char) => `_${char.toLowerCase()}`)
    return textAt(source, name) ?? textAt(source, camel) ?? textAt(source, snake)
  }
  const keyId = read("AccessKeyId")
  const secret = read("SecretAccessKey")
  const session = read("SessionToken")
  if (!keyId || !secret || !session)
    throw authFaults.aws_assume_role_error({ message: "The token service's answer holds no keys." })
  return { keyId, secret, session, expiration: read("Expiration") ?? read("ExpiresAt"), raw: { ...(source as object) } }
}
