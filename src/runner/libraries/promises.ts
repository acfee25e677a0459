/** The three members of bluebird that unzipper uses. */
export async function props<T extends Record<string, unknown>>(fields: T): Promise<Record<string, unknown>> {
  const names = Object.keys(fields)
  const values = await Promise.all(names.map((name) => fields[name]))
  return Object.fromEntries(names.map((name, at) => [name, values[at]]))
}

export async function mapSeries<T, R>(
  list: ArrayLike<T>,
  make: (item: T | undefined, at: number) => R,
): Promise<Awaited<R>[]> {
  const made: Awaited<R>[] = []
  for (let at = 0; at < list.length; at++) made.push(await make(list[at], at))
  return made
}

export async function map<T, R>(list: PromiseLike<T[]> | T[], make: (item: T) => R): Promise<Awaited<R>[]> {
  return Promise.all((await list).map(make))
}
