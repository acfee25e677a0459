import type { MultipartPart } from "./model.ts"

/** The parts of a multipart body; undefined for what is no multipart text. */
export async function readParts(body: Uint8Array, contentType = ""): Promise<MultipartPart[] | undefined> {
  let form: Iterable<[string, string | File]>
  try {
    const read = new Response(new Uint8Array(body), { headers: { "content-type": contentType } })
    const data: unknown = await read.formData()
    form = data as Iterable<[string, string | File]>
  } catch {
    // Malformed: it goes out as it came, and the provider judges it.
    return undefined
  }
  const parts = [...form].map(async ([name, value]): Promise<MultipartPart> => {
    if (typeof value === "string") return { name, value }
    return { name, bytes: await value.bytes(), filename: value.name, contentType: value.type || undefined }
  })
  return Promise.all(parts)
}
