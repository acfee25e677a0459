import type { ApiItem } from "../../shared/api-item.js"
import { CrmDeal } from "../models.js"

export const toDeal = (deal: ApiItem): CrmDeal =>
  CrmDeal.parse({
    id: deal.id,
    title: `${deal.name} #${deal.number}`,
    amount_cents: Math.round(deal.amount * 100),
    stage: deal.status,
    closed: deal.status === "won" || deal.status === "lost",
  })
