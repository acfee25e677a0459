import * as z from "zod"

export const ShopOrder = z.object({ id: z.string(), total: z.string(), paid: z.boolean(), country: z.string() })
export type ShopOrder = z.infer<typeof ShopOrder>

export const ShopProduct = z.object({ id: z.string(), sku: z.string(), title: z.string(), price: z.number() })
export type ShopProduct = z.infer<typeof ShopProduct>

export const ShopRefund = z.object({ id: z.string(), amount: z.number(), created_at: z.string() })
export type ShopRefund = z.infer<typeof ShopRefund>

export const ShopCustomer = z.object({ id: z.string(), name: z.string(), region: z.string() })
export type ShopCustomer = z.infer<typeof ShopCustomer>

export const ShopStock = z.object({ id: z.string(), quantity: z.int() })
export type ShopStock = z.infer<typeof ShopStock>
