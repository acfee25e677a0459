/** One record as an API of tickets gives it: about 500 bytes of JSON, the same for the same `index` and `version`. */
export function makeRecord(index: number, version: number) {
  return {
    id: `ticket-${index}`,
    number: index,
    version,
    title: `Ticket ${index} about the ${index % 89}th thing that somebody asked for`,
    state: index % 3 === 0 ? "closed" : "open",
    assignee: { id: `user-${index % 97}`, name: `Person ${index % 97}`, email: `person${index % 97}@example.com` },
    labels: ["bug", `area-${index % 13}`, `team-${index % 7}`],
    url: `https://tickets.example.com/api/v2/tickets/${index}`,
    created_at: "2024-05-17T08:30:00.000Z",
    updated_at: `2025-01-0${1 + (version % 9)}T12:00:00.000Z`,
    body: `What was expected of number ${index}, and what happened instead, in one sentence of the usual length.`,
    votes: index % 41,
    locked: false,
  }
}

export type BenchRecord = ReturnType<typeof makeRecord>

export function makeBatch(from: number, count: number, version: number): BenchRecord[] {
  return Array.from({ length: count }, (_, index) => makeRecord(from + index, version))
}
