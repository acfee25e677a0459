import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { until } from "../helpers/sluice.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let key: string
beforeAll(async () => {
  world = await startWithFake()
  const credentials = { type: "OAUTH2", client_id: "fake-client-id", client_secret: "fake-client-secret" }
  key = "github"
  const body = { provider: "github", unique_key: key, credentials }
  expect((await world.sluice.call("POST", "/integrations", { body })).status).toBe(200)
})
afterAll(() => world[Symbol.asyncDispose]())

async function openSession(): Promise<string> {
  const body = { end_user: { id: "u1" } }
  return (await world.sluice.call("POST", "/connect/sessions", { body })).body.data.token
}

/** What a browser of the official front end opens first. */
function openSocket() {
  const frames: any[] = []
  const socket = new WebSocket(world.sluice.url.replace("http", "ws"))
  socket.onmessage = ({ data }) => void frames.push(JSON.parse(String(data)))
  return {
    socket,
    frame: (type: string) => until(() => frames.find((frame) => frame.message_type === type), `a frame ${type}`),
  }
}

const leave = (token: string, more = "", integration = key) =>
  fetch(`${world.sluice.url}/oauth/connect/${integration}?connect_session_token=${token}${more}`, {
    redirect: "manual",
  })

test("a browser that waits on a WebSocket hears that the connection was made", async () => {
  const { socket, frame } = openSocket()
  const { ws_client_id } = await frame("connection_ack")
  const away = await leave(await openSession(), `&ws_client_id=${ws_client_id}`)
  expect(away.status).toBe(302)
  const provider = new URL(away.headers.get("location") ?? "")
  provider.searchParams.set("auto", "1")
  const back = new URL((await fetch(provider, { redirect: "manual" })).headers.get("location") ?? "")
  const cookie = away.headers.get("set-cookie")?.split(";")[0] ?? ""
  const page = await fetch(`${world.sluice.url}${back.pathname}${back.search}`, { headers: { cookie } })
  expect(page.status).toBe(200)
  const success = await frame("success")
  expect(success).toEqual({
    message_type: "success",
    provider_config_key: key,
    connection_id: expect.any(String),
    is_pending: false,
  })
  const path = `/connections/${success.connection_id}?provider_config_key=${key}`
  expect((await world.sluice.call("GET", path)).body.credentials.type).toBe("OAUTH2")
  socket.close()
})

test("and hears why it could not begin", async () => {
  const { socket, frame } = openSocket()
  const { ws_client_id } = await frame("connection_ack")
  expect((await leave(await openSession(), `&ws_client_id=${ws_client_id}`, "nope")).status).toBe(400)
  expect(await frame("error")).toMatchObject({ provider_config_key: "nope", error_type: "provider_config_err" })
  socket.close()
})

test("what it sends is not read, and too much ends the line", async () => {
  const { socket, frame } = openSocket()
  await frame("connection_ack")
  socket.send("hello")
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve))
  socket.send("x".repeat(100_000))
  await closed
  expect((await world.sluice.call("GET", "/health")).status).toBe(200)
})

test("a WebSocket at another path is refused", async () => {
  const socket = new WebSocket(`${world.sluice.url.replace("http", "ws")}/other`)
  expect(await new Promise((resolve) => socket.addEventListener("error", () => resolve("refused")))).toBe("refused")
})
