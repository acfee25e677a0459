// What Nango's CLI generates from the models of nango.yaml.

export interface OldAccount {
  id: string
  name: string
  owner?: string
  employees: number
  tags: string[]
}

export interface OldAccountInput {
  name: string
  employees?: number
}

export interface OldActivity {
  id: string
  kind: "call" | "meeting" | "other"
  at: Date
}

export interface OldPing {
  ok: boolean
  input: string | undefined
}
