import type { FaultRule } from "../../src/fake-provider/model.ts"
import type { Case } from "./cases.ts"

const refusal = (path: string): FaultRule[] => [{ match: { path }, times: 1, status: 400 }]

export const crmCases: Case[] = [
  {
    at: "crm/contacts",
    again: { collection: "contacts", update: 1, delete: 2, create: 1, counts: { added: 1, updated: 1, deleted: 2 } },
  },
  { at: "crm/companies" },
  {
    at: "crm/deals",
    // The third item was the last one of the first page.
    checkpoint: { cursor: Buffer.from("after:3").toString("base64url") },
    breaksOff: refusal("^/cursor/collections/deals.*after="),
    records: 7,
  },
  {
    at: "crm/notes",
    checkpoint: { updated_since: "2025-01-01T00:05:00.000Z" },
    records: 7,
    again: { collection: "notes", create: 2, counts: { added: 2, updated: 0, deleted: 0 } },
  },
  { at: "crm/owners", again: { collection: "owners", delete: 3, counts: { added: 0, updated: 0, deleted: 3 } } },
  {
    at: "crm/mapped-contacts",
    metadata: {
      fields: { town: "nested.address.city", points: "nested.owner.score", none: "nested.x.y" },
      only_active: true,
    },
  },
  { at: "crm/create-contact", input: { name: "grace hopper", email: "Grace@example.com", tags: ["navy"] } },
  { at: "crm/update-contact", input: { id: "contacts_00000002", email: "new@example.com" } },
  { at: "crm/delete-contact", input: { id: "contacts_00000099" } },
  { at: "crm/upsert-contact", input: { id: "contacts_00000099", name: "alan turing", email: "alan@example.com" } },
  { at: "crm/save-preferences", input: { digest: false }, metadata: { language: "fr", team: 7 } },
]

export const chatCases: Case[] = [
  { at: "chat/members" },
  { at: "chat/read-thread", input: { id: "m1" } },
  { at: "chat/post-signed", input: { channel: "general", text: " Hello, wörld " } },
  { at: "chat/describe-connection" },
  { at: "chat/register" },
  { at: "chat/unregister", metadata: { hook_id: "hooks_00000002" } },
  { at: "chat/check-key" },
]

const pullRequests = (numbers: number[], endCursor: string | null): FaultRule => ({
  match: { path: "/graphql" },
  times: 1,
  status: 200,
  body: {
    data: {
      repository: {
        pullRequests: {
          nodes: numbers.map((number) => ({
            id: `pr${number}`,
            number,
            title: `Change ${number}`,
            merged: number > 2,
          })),
          pageInfo: { endCursor },
        },
      },
    },
  },
})

export const trackerCases: Case[] = [
  {
    at: "tracker/issues",
    breaksOff: refusal("^/link/collections/issues.*page=2"),
    again: { collection: "issues", delete: 2, create: 1, counts: { added: 1, updated: 0, deleted: 2 } },
  },
  {
    at: "tracker/projects",
    again: { collection: "projects", delete: 1, counts: { added: 0, updated: 0, deleted: 1 } },
  },
  { at: "tracker/tickets" },
  {
    at: "tracker/pull-requests",
    metadata: { owner: "octo" },
    faults: [pullRequests([1, 2], "c2"), pullRequests([3], "c3"), pullRequests([], null)],
  },
  { at: "tracker/labels" },
  { at: "tracker/events" },
  {
    at: "tracker/events",
    webhook: { action: "opened", issue: { id: "events_00000003", title: "Something new" } },
  },
  { at: "tracker/create-issue", input: { kind: "bug", title: "It fell over", severity: 2 } },
  { at: "tracker/search", input: { text: "start", at_least: 7 } },
  {
    at: "tracker/count-issues",
    faults: [{ match: { path: "/link/collections/issues" }, times: 1, status: 429 }],
  },
  { at: "tracker/close-issues", input: { ids: ["issues_00000001", "issues_00000404", "issues_00000002"] } },
]
