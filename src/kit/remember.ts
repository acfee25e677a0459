/** Longer texts are no names that come again: a stranger's would only fill the memory. */
const longest = 256

/**
 * A pure function of a text that keeps its last `most` answers, for texts that come again and again. The answers must not
 * be changed by whoever gets them.
 */
export function remember<T>(most: number, make: (text: string) => T): (text: string) => T {
  const known = new Map<string, { answer: T }>()
  return (text) => {
    const found = known.get(text)
    if (found) return found.answer
    const answer = make(text)
    if (text.length > longest) return answer
    if (known.size >= most) known.delete(known.keys().next().value as string)
    known.set(text, { answer })
    return answer
  }
}

/** A pure function of an object that never changes, which is asked once for each. */
export function rememberOf<K extends object, T>(make: (of: K) => T): (of: K) => T {
  const known = new WeakMap<K, { answer: T }>()
  return (of) => {
    const found = known.get(of)
    if (found) return found.answer
    const answer = make(of)
    known.set(of, { answer })
    return answer
  }
}
