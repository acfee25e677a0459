import type { FaultRule } from "../../src/fake-provider/model.ts"
import type { Case } from "./cases.ts"

const repository = { owner: "octo-org", repo: "widgets" }
const nodes = (numbers: number[], endCursor: string | null) => ({
  data: {
    repository: {
      pullRequests: {
        nodes: numbers.map((number) => ({
          id: `PR_${number}`,
          number,
          title: `Turn widget ${number}`,
          state: number === 9 ? "MERGED" : "OPEN",
          author: number === 8 ? null : { login: "ada" },
          updatedAt: `2025-06-0${number}T00:00:00Z`,
        })),
        pageInfo: { endCursor },
      },
    },
  },
})
const graphql = (body: unknown): FaultRule => ({ match: { path: "/graphql" }, times: 1, status: 200, body })

export const exampleCases: Case[] = [
  {
    at: "demo/contacts",
    again: { collection: "items", update: 2, delete: 2, create: 1, counts: { added: 1, updated: 2, deleted: 2 } },
  },
  {
    at: "demo/recent-contacts",
    again: { collection: "items", update: 2, create: 1, counts: { added: 1, updated: 2, deleted: 0 } },
  },
  { at: "demo/add-contact", input: { name: "Robin Doe", email: "robin@example.com", tags: ["demo"] } },
  { at: "demo/find-contact", input: { id: "items_00000003" } },
  { at: "demo/attach-note", input: { contactId: "items_00000001", fileName: "note.txt", text: "Call back – twice ☎" } },
  { at: "demo/say-hello" },
  { at: "github/issues", metadata: repository },
  { at: "github/comments", metadata: repository, checkpoint: { since: "2025-04-03T10:00:00Z" }, records: 3 },
  {
    at: "github/pull-requests",
    metadata: repository,
    faults: [graphql(nodes([7, 8], "Y3Vyc29yOjg=")), graphql(nodes([9], null))],
  },
  { at: "github/releases", metadata: repository },
  {
    at: "github/releases",
    metadata: repository,
    webhook: {
      action: "published",
      release: { id: 74, tag_name: "v1.4.0", name: "Summer", draft: false, published_at: "2025-07-01T00:00:00Z" },
    },
  },
  { at: "github/create-issue", input: { ...repository, title: "It does not turn", labels: ["bug"] } },
  { at: "github/close-issue", input: { ...repository, number: 2 } },
  { at: "github/read-file", input: { ...repository, path: "docs/getting started.md" } },
]
