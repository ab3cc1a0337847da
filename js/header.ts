/** The first bytes of a sealed entry; docs/entry-format.md has the whole. By itself, as only those read it who have to remove entries. */

export const headerSize = 80
const magic = 0x53525052
const format = 1

/** When an entry ends and what it cost, for those who have to choose between entries without reading them. */
export interface Header {
  /** Milliseconds since 1970 UTC. */
  readonly created: number
  readonly staleUntil: number
  readonly freshUntil: number
  /** Milliseconds that making it took. */
  readonly cost: number
}

/** Of the first bytes of an entry; undefined where they are not those of one. */
export function headerOf(bytes: Uint8Array): Header | undefined {
  if (bytes.length < headerSize) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const cost = view.getFloat64(64, true)
  if (view.getUint32(0, true) !== magic || bytes[4] !== format || !(cost >= 0 && cost < Infinity)) return undefined
  const time = (at: number): number => Number(view.getBigInt64(at, true))
  return { created: time(40), staleUntil: time(56), freshUntil: time(48), cost }
}
