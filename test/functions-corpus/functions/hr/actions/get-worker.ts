import { createAction } from "nango"
import soap, { security } from "soap"
import * as z from "zod"

type WorkerAnswer = { worker?: { id: string; name: string; grade: string } }

/** SOAP, with the user's name and password in the envelope. */
export default createAction({
  description: "Reads a worker",
  version: "1.0.0",
  input: z.object({ id: z.string() }),
  output: z.object({ id: z.string(), name: z.string(), grade: z.int() }),

  exec: async (nango, { id }) => {
    const { connection_config, credentials } = await nango.getConnection()
    const { username = "", password = "" } = credentials as { username?: string; password?: string }
    const base = String(connection_config["baseUrl"])
    const client = await soap.createClientAsync(`${base}/soap/workers?wsdl`)
    client.setEndpoint(`${base}/soap/workers`)
    client.setSecurity(new security.WSSecurity(username, password))
    const [answer] = (await client["GetWorkerAsync"]({ id })) as [WorkerAnswer]
    if (!answer.worker) throw new nango.ActionError({ type: "not_found", message: `There is no worker ${id}` })
    return { id: answer.worker.id, name: answer.worker.name, grade: Number(answer.worker.grade) }
  },
})
