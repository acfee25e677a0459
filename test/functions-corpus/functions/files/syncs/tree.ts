import { createSync } from "nango"
import type { NangoSync } from "nango"
import { FileEntry } from "../models.js"

type ApiNode = { id: string; name: string; folder: boolean; bytes?: number }
type Open = { id: string; path: string }

async function children(nango: Pick<NangoSync, "get">, { id }: Open): Promise<ApiNode[]> {
  const { data } = await nango.get<{ children: ApiNode[] }>({ endpoint: `/folders/${id}/children`, retries: 3 })
  return data.children
}

/** Walks folders by breadth; one folder at a time is kept in memory. */
export default createSync({
  description: "All files with their paths",
  version: "1.0.0",
  frequency: "every week",
  autoStart: false,
  models: { FileEntry },

  exec: async (nango) => {
    await nango.trackDeletesStart("FileEntry")
    const open: Open[] = [{ id: "root", path: "" }]
    for (let folder = open.shift(); folder !== undefined; folder = open.shift()) {
      const { path } = folder
      const nodes = await children(nango, folder)
      open.push(...nodes.filter((node) => node.folder).map(({ id, name }) => ({ id, path: `${path}/${name}` })))
      const files = nodes.filter((node) => !node.folder)
      await nango.batchSave(
        files.map(({ id, name, bytes = 0 }) => ({ id, path: `${path}/${name}`, bytes })),
        "FileEntry",
      )
    }
    const { deletedKeys } = await nango.trackDeletesEnd("FileEntry")
    await nango.log(`${deletedKeys.length} files are gone`)
  },
})
