import { createHash, type KeyObject, sign } from "node:crypto"
import { escapeXml } from "../kit/xml.ts"

export type SamlInput = {
  key: KeyObject
  issuer: string
  lifetimeSeconds: number
  audience: string
  recipient: string
  nameIdentifier: string
  sessionIndex: string
  attributes: Record<string, unknown>
  /** `_` and something unguessable. */
  id: string
  now: Date
}

const saml = "urn:oasis:names:tc:SAML:2.0:assertion"
const dsig = "http://www.w3.org/2000/09/xmldsig#"
const c14n = "http://www.w3.org/2001/10/xml-exc-c14n#"

/**
 * A signed SAML 2.0 bearer assertion in base64 (RFC 7522): exclusive canonicalisation, SHA-256, RSA. The text is written in
 * canonical form from the start, so that what is digested is what is sent.
 */
export function signSaml(input: SamlInput): string {
  const bare = writeAssertion(input, "")
  const digest = createHash("sha256").update(bare).digest("base64")
  const info = signedInfo(input.id, digest)
  const value = sign("sha256", Buffer.from(info), input.key).toString("base64")
  // Inside the signature the namespace is inherited; alone, as it is signed, it stands on the element.
  const inner = info.replace(` xmlns:ds="${dsig}"`, "")
  const signature = `<ds:Signature xmlns:ds="${dsig}">${inner}<ds:SignatureValue>${value}</ds:SignatureValue></ds:Signature>`
  return Buffer.from(writeAssertion(input, signature)).toString("base64")
}

function signedInfo(id: string, digest: string): string {
  const method = (name: string, algorithm: string) => `<ds:${name} Algorithm="${algorithm}"></ds:${name}>`
  return [
    `<ds:SignedInfo xmlns:ds="${dsig}">`,
    method("CanonicalizationMethod", c14n),
    method("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
    `<ds:Reference URI="#${id}"><ds:Transforms>`,
    method("Transform", `${dsig}enveloped-signature`),
    method("Transform", c14n),
    "</ds:Transforms>",
    method("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256"),
    `<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>`,
  ].join("")
}

/** Elements carry each namespace where it is first used, and attributes in canonical order. */
function writeAssertion(input: SamlInput, signature: string): string {
  const at = (seconds: number) => `${new Date(input.now.getTime() + seconds * 1000).toISOString().slice(0, 19)}Z`
  const until = at(input.lifetimeSeconds)
  const text = escapeText
  const attribute = escapeAttribute
  return [
    `<saml:Assertion xmlns:saml="${saml}" ID="${input.id}" IssueInstant="${at(0)}" Version="2.0">`,
    `<saml:Issuer>${text(input.issuer)}</saml:Issuer>`,
    signature,
    `<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">${text(input.nameIdentifier)}</saml:NameID>`,
    `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">`,
    `<saml:SubjectConfirmationData NotOnOrAfter="${until}" Recipient="${attribute(input.recipient)}"></saml:SubjectConfirmationData>`,
    "</saml:SubjectConfirmation></saml:Subject>",
    `<saml:Conditions NotBefore="${at(-300)}" NotOnOrAfter="${until}"><saml:AudienceRestriction>`,
    `<saml:Audience>${text(input.audience)}</saml:Audience></saml:AudienceRestriction></saml:Conditions>`,
    `<saml:AuthnStatement AuthnInstant="${at(0)}" SessionIndex="${attribute(input.sessionIndex)}"><saml:AuthnContext>`,
    "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>",
    "</saml:AuthnContext></saml:AuthnStatement>",
    writeAttributes(input.attributes),
    "</saml:Assertion>",
  ].join("")
}

function writeAttributes(attributes: Record<string, unknown>): string {
  const written = Object.entries(attributes).map(([name, value]) => {
    const inner = `<saml:AttributeValue>${escapeText(String(value))}</saml:AttributeValue>`
    return `<saml:Attribute Name="${escapeAttribute(name)}">${inner}</saml:Attribute>`
  })
  return written.length === 0 ? "" : `<saml:AttributeStatement>${written.join("")}</saml:AttributeStatement>`
}

/** Canonical XML escapes less than XML allows: three characters in text, three in attributes. */
const escapeText = (value: string): string =>
  value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\r", "&#xD;")
const escapeAttribute = (value: string): string =>
  escapeXml(value)
    .replaceAll("&gt;", ">")
    .replaceAll("&apos;", "'")
    .replace(/[\t\n\r]/g, (char) => `&#x${char.charCodeAt(0).toString(16).toUpperCase()};`)
