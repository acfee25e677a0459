import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { authority } from "./certificates.ts"

test("certificates are checked against the name, over a connection to a pinned address", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-tls-"))
  try {
    const ca = join(folder, "ca.pem")
    await Bun.write(ca, authority)
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "egress-tls.fixture.ts")], {
      env: { PATH: process.env.PATH ?? "", NODE_EXTRA_CA_CERTS: ca },
      stderr: "pipe",
    })
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()])
    expect(err).toBe("")
    expect(JSON.parse(out)).toEqual({
      "right name": "a.test",
      "right name again": "a.test",
      "trailing dot": "a.test",
      "wrong name after a good one": "ERR_TLS_CERT_ALTNAME_INVALID",
      "other right name": "b.test",
      "wildcard name": "x.wild.test",
      "wildcard does not cover two levels": "ERR_TLS_CERT_ALTNAME_INVALID",
      "address not in the certificate": "ERR_TLS_CERT_ALTNAME_INVALID",
      "Host header does not choose the name": "ERR_TLS_CERT_ALTNAME_INVALID",
      "connections of the names server": ["a.test", "b.test", "x.wild.test"],
      "requests of the names server": 5,
      "address in the certificate": "127.0.0.1",
      "pinned address in the certificate is not the name": "ERR_TLS_CERT_ALTNAME_INVALID",
      stranger: "DEPTH_ZERO_SELF_SIGNED_CERT",
      expired: "CERT_HAS_EXPIRED",
      "with a client certificate": "a.test by client",
      "without one, on the same address": "a.test",
      "with it again": "a.test by client",
      "redirected to another origin": "b.test",
      "the same with everything forwarded": "b.test by client",
      "connections of the mutual server": ["a.test by client", "a.test", "b.test", "b.test by client"],
      "tunnel to the right name": "a.test",
      "tunnel to the right name again": "a.test",
      "tunnel to a wrong name": "ERR_TLS_CERT_ALTNAME_INVALID",
      tunnels: ["CONNECT a.test:443 HTTP/1.1", "CONNECT c.test:443 HTTP/1.1"],
      "tunnel over TLS": "a.test",
      "tunnel over TLS to a proxy of another name": "ERR_TLS_CERT_ALTNAME_INVALID",
      "checks cannot be switched off from outside": "ERR_TLS_CERT_ALTNAME_INVALID",
      message: "The request to c.test failed (ERR_TLS_CERT_ALTNAME_INVALID).",
    })
    expect(await child.exited).toBe(0)
  } finally {
    await rm(folder, { recursive: true })
  }
})
