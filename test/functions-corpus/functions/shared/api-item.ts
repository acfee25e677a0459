/** A row as the providers of this corpus give it. */
export type ApiItem = {
  id: string
  number: number
  name: string
  email: string
  status: string
  amount: number
  active: boolean
  tags: string[]
  nested: {
    address: { city: string; country: string; zip: string }
    owner: { id: string; score: number }
  }
  created_at: string
  updated_at: string
}
