import type { NangoAction } from "nango"

export default async function onEvent(nango: NangoAction): Promise<void> {
  await nango.post({ endpoint: "/collections/greetings", data: { to: nango.provider }, retries: 3 })
}
