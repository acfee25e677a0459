import type { NangoSync } from "nango"
import type { OldActivity } from "../../models"
import type { Row } from "../row.js"

const toActivity = ({ id, status, updated_at }: Row): OldActivity => ({
  id,
  kind: status === "open" ? "call" : status === "won" ? "meeting" : "other",
  at: new Date(updated_at),
})

export default async function fetchData(nango: NangoSync): Promise<void> {
  const since = nango.lastSyncDate
  const { data } = await nango.get<{ data: Row[] }>({
    endpoint: "/offset/collections/activities",
    ...(since && { params: { updated_since: since.toISOString() } }),
    retries: 3,
  })
  await nango.batchSave(data.data.map(toActivity), "OldActivity")
}

export async function onWebhookPayloadReceived(nango: NangoSync, payload: { activity: Row }): Promise<void> {
  await nango.batchSave([toActivity(payload.activity)], "OldActivity")
}
