// A server that has nothing else to do: how long it takes to answer is what the machine itself costs at that moment.
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.json({ result: "ok" }) })
console.log(server.url.origin)
process.stdin.on("end", () => process.exit(0)).resume()
