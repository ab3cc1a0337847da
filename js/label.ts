/** The text of its key that an entry carries, where a user made the key (docs/entry-format.md: kinds with the flag 4). */
import { sealSize } from './boundary.js'

const kindAt = 5
const labelled = 4

/** Of a sealed entry. It is believed only by who makes the entry's name of it again. */
export function labelOf(entry: Uint8Array | undefined): string | undefined {
  if (entry === undefined || entry.length < 80 + sealSize + 4 || (entry[kindAt]! & labelled) === 0) return undefined
  const end = entry.length - sealSize - 4
  const length = new DataView(entry.buffer, entry.byteOffset).getUint32(end, true)
  return length > end - 80 ? undefined : new TextDecoder().decode(entry.subarray(end - length, end))
}
