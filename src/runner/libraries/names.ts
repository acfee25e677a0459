/** What a function may import beyond the small modules: kept as text, and evaluated in the realm of the runs that ask. */
export const libraryNames = ["soap", "unzipper"] as const
export type LibraryName = (typeof libraryNames)[number]
