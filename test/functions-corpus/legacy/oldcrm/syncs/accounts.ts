import type { NangoSync } from "nango"
import type { OldAccount } from "../../models"
import { type Row, toAccount } from "../row.js"

export default async function fetchData(nango: NangoSync): Promise<void> {
  const request = {
    endpoint: "/cursor/collections/accounts",
    paginate: {
      type: "cursor" as const,
      cursor_name_in_request: "after",
      cursor_path_in_response: "next_cursor",
      response_path: "data",
      limit_name_in_request: "limit",
      limit: 4,
    },
    retries: 10,
  }
  for await (const rows of nango.paginate<Row>(request)) {
    const accounts: OldAccount[] = rows.map(toAccount)
    await nango.batchSave(accounts, "OldAccount")
  }
}
