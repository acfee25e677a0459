const bands = [
  [2500, "A"],
  [5000, "B"],
  [7500, "C"],
] as const

export const salaryBand = (amount: number): string => bands.find(([below]) => amount < below)?.[1] ?? "D"
