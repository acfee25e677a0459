import type { NangoAction } from "nango"
import type { OldAccount, OldAccountInput } from "../../models"
import { type Row, toAccount } from "../row.js"

export default async function runAction(nango: NangoAction, input: OldAccountInput): Promise<OldAccount> {
  if (!input.name) throw new nango.ActionError({ message: "A name is needed" })
  const { data } = await nango.post<Row>({ endpoint: "/collections/accounts", data: input, retries: 0 })
  return toAccount(data)
}
