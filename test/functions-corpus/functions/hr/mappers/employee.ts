import type { ApiItem } from "../../shared/api-item.js"
import { splitName } from "../../shared/text/names/split.js"
import type { HrEmployee } from "../models.js"
import { salaryBand } from "./band.js"

export function toEmployee(item: ApiItem): HrEmployee {
  const { given, family } = splitName(item.name)
  const { city, country } = item.nested.address
  return {
    id: item.id,
    name: `${given} ${family}`,
    office: `${city} (${country})`,
    salary_band: salaryBand(item.amount),
  }
}
