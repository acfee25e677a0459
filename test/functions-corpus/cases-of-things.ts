import type { FaultRule } from "../../src/fake-provider/model.ts"
import type { Case } from "./cases.ts"

const refusal = (path: string): FaultRule[] => [{ match: { path }, times: 1, status: 400 }]

export const shopCases: Case[] = [
  {
    at: "shop/orders",
    checkpoint: { offset: 3 },
    breaksOff: refusal("^/offset/collections/orders.*offset=3"),
    records: 7,
  },
  { at: "shop/products" },
  { at: "shop/refunds", lastSyncDate: "2025-01-01T00:04:00.000Z", records: 7 },
  {
    at: "shop/customers",
    again: { collection: "customers-world", delete: 2, counts: { added: 0, updated: 0, deleted: 2 } },
  },
  { at: "shop/stock" },
  { at: "shop/create-charge", input: { amount: 12.5, currency: "EUR", card: "tok_visa" } },
  { at: "shop/create-refund", input: { charge: "ch_1", reason: "requested", note: "a & b = c – ü" } },
  {
    at: "shop/create-customer",
    input: { name: "Ada & Co", address: { city: "Cork", zip: null }, tags: ["vip", "a b"] },
  },
  {
    at: "shop/export-orders",
    input: { year: 2025 },
    faults: [{ match: { path: "^/exports/exp_7$" }, times: 2, status: 200, body: { id: "exp_7", status: "running" } }],
  },
  { at: "shop/replace-product", input: { id: "items_00000004", price: 9.75, colour: "green" } },
]

export const fileCases: Case[] = [
  { at: "files/upload", input: { name: "a.bin", content_base64: "AAECAwQFBgd/", folder: "inbox" } },
  { at: "files/download", input: { bytes: 48 } },
  { at: "files/list-archive", input: { archive: "report.zip" } },
  { at: "files/fetch-shared", input: { hops: 2 } },
  { at: "files/whose-token" },
  { at: "files/tree" },
  { at: "files/changes" },
]

export const hrCases: Case[] = [
  { at: "hr/employees" },
  { at: "hr/absences", again: { collection: "absences", create: 1, counts: { added: 1, updated: 7, deleted: 0 } } },
  { at: "hr/payslips", again: { collection: "payslips", delete: 2, counts: { added: 0, updated: 0, deleted: 2 } } },
  {
    at: "hr/units",
    checkpoint: { queue: '["south","north-1"]', read: 2 },
    breaksOff: refusal("/units/south"),
    records: 4,
  },
  { at: "hr/get-worker", input: { id: "w-17" } },
  { at: "hr/find-employees", input: { bands: "A, B", to: "2025-01-01T00:06:00Z" } },
  { at: "hr/onboard", input: { name: "zoë ångström", manager: "people_00000001", equipment: ["laptop", "desk"] } },
  { at: "hr/lock-payroll", input: { month: "2025-02-28" } },
]

export const oldCases: Case[] = [
  { at: "oldcrm/accounts", again: { collection: "accounts", delete: 2, counts: { added: 0, updated: 0, deleted: 2 } } },
  { at: "oldcrm/activities", lastSyncDate: "2025-01-01T00:05:00.000Z", records: 7 },
  {
    at: "oldcrm/activities",
    webhook: {
      activity: { id: "activities_00000050", name: "x", status: "open", updated_at: "2025-02-01T00:00:00.000Z" },
    },
  },
  { at: "oldcrm/add-account", input: { name: "Initech", employees: 12 } },
  { at: "oldcrm/ping" },
  { at: "oldcrm/greet" },
]
