import { createSync } from "nango"
import * as z from "zod"
import { GithubRelease } from "../../models.js"
import { pathOf, Repository } from "../repository.js"

const ApiRelease = z.object({
  id: z.number(),
  tag_name: z.string(),
  name: z.string().nullable(),
  draft: z.boolean(),
  published_at: z.string().nullable(),
})
const ReleaseEvent = z.object({ action: z.string(), release: ApiRelease })

const toRelease = (release: z.infer<typeof ApiRelease>): GithubRelease => ({
  id: String(release.id),
  tag: release.tag_name,
  name: release.name ?? release.tag_name,
  draft: release.draft,
  publishedAt: release.published_at,
})

/** GitHub's webhooks keep the releases fresh; once a day all of them are read, in case one was missed. */
export default createSync({
  description: "Releases of a GitHub repository",
  version: "1.0.0",
  frequency: "every day",
  autoStart: true,
  scopes: ["repo"],
  metadata: Repository,
  webhookSubscriptions: ["release"],
  models: { GithubRelease },

  exec: async (nango) => {
    const repository = Repository.parse(await nango.getMetadata())
    await nango.trackDeletesStart("GithubRelease")
    const pages = nango.paginate<z.infer<typeof ApiRelease>>({
      // https://docs.github.com/en/rest/releases/releases#list-releases
      endpoint: `${pathOf(repository)}/releases`,
      paginate: { type: "link", link_rel_in_response_header: "next", limit_name_in_request: "per_page", limit: 100 },
      retries: 5,
    })
    for await (const page of pages) await nango.batchSave(page.map(toRelease), "GithubRelease")
    await nango.trackDeletesEnd("GithubRelease")
  },

  // https://docs.github.com/en/webhooks/webhook-events-and-payloads#release
  onWebhook: async (nango, payload) => {
    const { action, release } = ReleaseEvent.parse(payload)
    if (action === "deleted") await nango.batchDelete([{ id: String(release.id) }], "GithubRelease")
    else await nango.batchSave([toRelease(release)], "GithubRelease")
  },
})
