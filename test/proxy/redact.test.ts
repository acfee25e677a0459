import { describe, expect, test } from "bun:test"
import { redactorOf, redactText, redactUrl } from "../../src/kit/redact.ts"
import { peekBody } from "../../src/proxy/peek.ts"
import { collectSecrets, redactHeaders } from "../../src/proxy/redact.ts"

describe("collectSecrets", () => {
  test("takes every text of the credentials but type and expiry, and secret members of nested answers", () => {
    const secrets = collectSecrets(
      {
        type: "OAUTH2",
        access_token: "access-1",
        refresh_token: "refresh-1",
        expires_at: "2026-01-01T00:00:00Z",
        raw: {
          access_token: "access-1",
          token_type: "bearer",
          scope: "read:all",
          authed_user: { id_token: "nested-1" },
        },
        config_override: { client_id: "override-id", client_secret: "override-secret" },
      },
      {
        uniqueKey: "u",
        clientId: "client-1",
        clientSecret: "client-secret",
        custom: { awsSecretAccessKey: "aws-secret", region: "eu-west-1" },
      },
    )
    const hidden = [
      "access-1",
      "refresh-1",
      "nested-1",
      "override-id",
      "override-secret",
      "client-1",
      "client-secret",
      "aws-secret",
    ]
    expect(secrets).toEqual(expect.arrayContaining(hidden))
    for (const shown of ["OAUTH2", "2026-01-01T00:00:00Z", "bearer", "read:all", "eu-west-1"])
      expect(secrets).not.toContain(shown)
  })

  test("covers the encodings of URLs, headers and JSON, and leaves no rest of a longer secret", () => {
    const secrets = collectSecrets({ type: "BASIC", username: "user", password: 'user/p+"ä\n' })
    const password = 'user/p+"ä\n'
    const shapes = [
      password,
      encodeURIComponent(password),
      new URLSearchParams({ p: password }).toString(),
      Buffer.from(password).toString("base64"),
      JSON.stringify(password),
    ]
    for (const shape of shapes) expect(redactText(`<${shape}>`, secrets)).toMatch(/^<("|p=)?\[redacted\]"?>$/)
  })

  test("does not mask by texts of up to three characters", () => {
    expect(collectSecrets({ type: "BASIC", username: "a", password: "abc" })).toEqual([])
  })

  test("no credentials, no secrets", () => {
    expect(collectSecrets({})).toEqual([])
  })
})

describe("redaction of requests", () => {
  test("headers that carry credentials by name are masked whole, others by value", () => {
    const headers = new Headers({
      Authorization: "Custom x",
      "X-Api-Key": "k",
      "Set-Cookie": "a=b",
      "X-Trace": "id key-1 id",
      ETag: "e",
    })
    expect(redactHeaders(headers, redactorOf(["key-1"]))).toEqual({
      authorization: "[redacted]",
      "x-api-key": "[redacted]",
      "set-cookie": "[redacted]",
      "x-trace": "id [redacted] id",
      etag: "e",
    })
    expect(redactHeaders({ "X-WSSE": "UsernameToken", Cookie: "a" }, redactorOf([]))).toEqual({
      "x-wsse": "[redacted]",
      cookie: "[redacted]",
    })
  })

  test("URLs lose user information, secret parameters and secret texts", () => {
    const url = redactUrl("https://u:p@api.test/bot-key-1/x?api_key=short&page=2", ["key-1"])
    expect(url).toBe("https://[redacted]@api.test/bot-[redacted]/x?api_key=[redacted]&page=2")
  })
})

describe("peekBody", () => {
  const chunks = (...texts: string[]) => {
    const state = { cancelled: false, pulled: 0 }
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const text = texts[state.pulled++]
          if (text === undefined) controller.close()
          else if (text === "!") controller.error(new Error("broke off"))
          else controller.enqueue(Buffer.from(text))
        },
        cancel: () => {
          state.cancelled = true
        },
      },
      { highWaterMark: 0 },
    )
    return { state, stream }
  }

  test("gives the beginning, and the whole again", async () => {
    const { stream, state } = chunks("ab", "cd", "ef")
    const { text, body } = await peekBody(stream, 3)
    expect([text, state.pulled]).toEqual(["abcd", 2])
    expect(await new Response(body).text()).toBe("abcdef")
  })

  test("a body that ends within the limit", async () => {
    const { text, body } = await peekBody(chunks("ab").stream, 100)
    expect([text, await new Response(body).text()]).toEqual(["ab", "ab"])
  })

  test("no body", async () => {
    expect(await peekBody(null, 10)).toEqual({ text: "", body: null })
  })

  test("a body that breaks off does so for the reader, after what came", async () => {
    const { text, body } = await peekBody(chunks("ab", "!").stream, 100)
    const reader = body!.getReader()
    expect([text, Buffer.from((await reader.read()).value!).toString()]).toEqual(["ab", "ab"])
    const error = await reader.read().catch((thrown) => thrown)
    expect(error.message).toBe("broke off")
  })

  test("cancelling reaches the source", async () => {
    const { stream, state } = chunks("ab", "cd", "ef")
    const { body } = await peekBody(stream, 1)
    await body!.cancel()
    expect(state.cancelled).toBe(true)
  })
})
