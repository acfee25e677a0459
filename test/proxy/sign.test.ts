import { describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { signatureBase, signOAuth1, type OAuth1Input } from "../../src/kit/oauth1.ts"
import { signAws } from "../../src/proxy/sign-aws.ts"

const photos: OAuth1Input = {
  method: "get",
  url: new URL("http://photos.example.net/photos?file=vacation.jpg&size=original"),
  consumerKey: "dpf43f3p2l4k3l03",
  consumerSecret: "kd94hf93k423kf44",
  token: "nnch734d00sl2jdk",
  tokenSecret: "pfkkdhi9sl3r4s00",
  signatureMethod: "HMAC-SHA1",
  nonce: "chapoH",
  timestamp: 137131202,
}

describe("OAuth 1.0a", () => {
  test("RFC 5849 §3.4.1.1: the base string of the specification", () => {
    const url = new URL("http://EXAMPLE.com:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b")
    const params = {
      oauth_consumer_key: "9djdj82h48djs9d2",
      oauth_token: "kkk9d7dh3k39sjv7",
      oauth_signature_method: "HMAC-SHA1",
      oauth_timestamp: "137131201",
      oauth_nonce: "7d8f3e4a",
    }
    const base = signatureBase(
      {
        ...photos,
        method: "POST",
        url,
        bodyParams: [
          ["c2", ""],
          ["a3", "2 q"],
        ],
      },
      params,
    )
    expect(base).toBe(
      "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D" +
        "%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1" +
        "%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7",
    )
  })

  test("RFC 5849 §1.2: the signature of the photo request", () => {
    const base = signatureBase(photos, {
      oauth_consumer_key: photos.consumerKey,
      oauth_token: "nnch734d00sl2jdk",
      oauth_signature_method: "HMAC-SHA1",
      oauth_timestamp: "137131202",
      oauth_nonce: "chapoH",
    })
    const signature = createHmac("sha1", "kd94hf93k423kf44&pfkkdhi9sl3r4s00").update(base).digest("base64")
    expect(signature).toBe("MdpQcU8iPSUjWoN/UDMsK2sui9I=")
  })

  test("Twitter's published example, form body included", () => {
    const header = signOAuth1({
      method: "POST",
      url: new URL("https://api.twitter.com/1.1/statuses/update.json?include_entities=true"),
      consumerKey: "xvz1evFS4wEEPTGEFPHBog",
      consumerSecret: "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
      token: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
      tokenSecret: "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
      signatureMethod: "HMAC-SHA1",
      nonce: "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
      timestamp: 1318622958,
      bodyParams: [["status", "Hello Ladies + Gentlemen, a signed OAuth request!"]],
    })
    expect(header).toContain('oauth_signature="hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D"')
    expect(header).toStartWith('OAuth oauth_consumer_key="xvz1evFS4wEEPTGEFPHBog", oauth_nonce=')
  })

  test("HMAC-SHA256 with a realm, which is sent and not signed", () => {
    const signed = signOAuth1({ ...photos, signatureMethod: "HMAC-SHA256", realm: "123_SB1" })
    const base =
      "GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key%3Ddpf43f3p2l4k3l03" +
      "%26oauth_nonce%3DchapoH%26oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D137131202" +
      "%26oauth_token%3Dnnch734d00sl2jdk%26oauth_version%3D1.0%26size%3Doriginal"
    const signature = createHmac("sha256", "kd94hf93k423kf44&pfkkdhi9sl3r4s00").update(base).digest("base64")
    expect(signed).toStartWith('OAuth realm="123_SB1", oauth_consumer_key="dpf43f3p2l4k3l03"')
    expect(signed).toContain(`oauth_signature="${encodeURIComponent(signature)}"`)
  })

  test("PLAINTEXT is the two secrets", () => {
    const signed = signOAuth1({
      ...photos,
      signatureMethod: "PLAINTEXT",
      consumerSecret: "a&b",
      tokenSecret: undefined,
    })
    expect(signed).toContain('oauth_signature="a%2526b%26"')
  })

  test("extra parameters are sent and signed; a port that is not the default is part of the target", () => {
    const url = new URL("https://x.test:8443/r")
    const one = signOAuth1({ ...photos, url, extra: { oauth_callback: "https://a.test/?s=1" } })
    const two = signOAuth1({ ...photos, url, extra: { oauth_callback: "https://a.test/?s=2" } })
    expect(one).toContain('oauth_callback="https%3A%2F%2Fa.test%2F%3Fs%3D1"')
    const signature = (text: string) => /oauth_signature="([^"]*)"/.exec(text)?.[1]
    expect(signature(one)).not.toBe(signature(two))
    expect(signatureBase({ ...photos, url }, {})).toStartWith("GET&https%3A%2F%2Fx.test%3A8443%2Fr&")
  })
})

/** The examples of docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
describe("AWS Signature Version 4", () => {
  const credentials = {
    type: "AWS_SIGV4" as const,
    access_key_id: "AKIAIOSFODNN7EXAMPLE",
    secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    region: "us-east-1",
    service: "s3",
  }
  const now = new Date("2013-05-24T00:00:00Z")
  const host = "https://examplebucket.s3.amazonaws.com"
  const signatureOf = (method: string, path: string, headers: Record<string, string>, body: string | null) =>
    signAws({ credentials, method, url: new URL(host + path), headers, body, now }).authorization

  test("GET an object", () => {
    expect(signatureOf("GET", "/test.txt", { range: "bytes=0-9" }, null)).toBe(
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, " +
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    )
  })

  test("PUT an object", () => {
    const headers = { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" }
    expect(signatureOf("PUT", "/test$file.text", headers, "Welcome to Amazon S3.")).toEndWith(
      "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    )
  })

  test("list objects, query in any order", () => {
    expect(signatureOf("GET", "/?prefix=J&max-keys=2", {}, null)).toEndWith(
      "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    )
  })

  test("a session token is sent and signed, a caller's authorization is not", () => {
    const signed = signAws({
      credentials: { ...credentials, session_token: "tok-1" },
      method: "GET",
      url: new URL(host),
      headers: { authorization: "x" },
      body: null,
      now,
    })
    expect(signed["x-amz-security-token"]).toBe("tok-1")
    expect(signed.authorization).toContain("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,")
  })

  test("a stream goes unsigned, other credentials add nothing, missing keys are a fault", () => {
    const url = new URL(host)
    const stream = new ReadableStream<Uint8Array>()
    expect(signAws({ credentials, method: "PUT", url, headers: {}, body: stream, now })["x-amz-content-sha256"]).toBe(
      "UNSIGNED-PAYLOAD",
    )
    expect(signAws({ credentials: {}, method: "GET", url, headers: {}, body: null, now })).toEqual({})
    expect(() =>
      signAws({ credentials: { type: "AWS_SIGV4" }, method: "GET", url, headers: {}, body: null, now }),
    ).toThrow("AWS keys")
  })
})
