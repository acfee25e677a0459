import { createAction } from "nango"
import * as z from "zod"
import { newest } from "../../shared/dates/newest.js"
import { splitName } from "../../shared/text/names/split.js"

type Person = { id: string; name: string; created_at: string; updated_at: string }

const Input = z.object({ name: z.string(), manager: z.string(), equipment: z.array(z.string()).default([]) })

/** Several writes one after the other; what was done until a failure is told. */
export default createAction({
  description: "Adds an employee with a manager and equipment",
  version: "1.0.0",
  input: Input,
  output: z.object({ id: z.string(), name: z.string(), orders: z.array(z.string()), as_of: z.string() }),

  exec: async (nango, input) => {
    const { name, manager, equipment } = Input.parse(input)
    const { given, family } = splitName(name)
    const done: string[] = []
    try {
      const person = await nango.post<Person>({
        endpoint: "/collections/people",
        data: { name: `${given} ${family}` },
        retries: 0,
      })
      done.push(person.data.id)
      const placed = await nango.patch<Person>({
        endpoint: `/collections/people/${person.data.id}`,
        data: { manager },
        retries: 0,
      })
      const orders: string[] = []
      for (const item of equipment) {
        const order = await nango.post<{ id: string }>({
          endpoint: "/collections/equipment",
          data: { item, for: person.data.id },
          retries: 0,
        })
        orders.push(order.data.id)
        done.push(order.data.id)
      }
      const dates = [person.data.created_at, placed.data.updated_at]
      return { id: person.data.id, name: placed.data.name, orders, as_of: newest(dates, "2000-01-01") }
    } catch (error) {
      if (error instanceof nango.ActionError) throw error
      throw new nango.ActionError({ type: "half_done", message: "The onboarding broke off", details: { done } })
    }
  },
})
