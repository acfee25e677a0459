// The realm's own Buffer, so that what a library makes is what functions know.
const Own = globalThis.Buffer
export { Own as Buffer }
