import { createHash, randomBytes } from "node:crypto"

/** Unguessable text that finds an authorization again: 128 random bits. */
export const newState = (): string => randomBytes(16).toString("hex")

/** A PKCE verifier: 48 characters (RFC 7636 §4.1 asks for 43 to 128). */
export const newVerifier = (): string => randomBytes(24).toString("hex")

/** The S256 challenge of a verifier: RFC 7636 §4.2. */
export const challengeOf = (verifier: string): string => createHash("sha256").update(verifier).digest("base64url")
