/** Parts of a sealed entry that are read without the core; docs/entry-format.md has the whole. Neither is believed before the core, or a digest, says so. */
import { sealSize, tokenSize } from './boundary.js'
import { headerSize } from './header.js'

const kindAt = 5
const tokenCountAt = 6
const labelled = 4

/** What its payload is, and flags. */
export function kindOf(entry: Uint8Array): number {
  return entry[kindAt] ?? 0
}

/** Its tokens: pairs of a tag's number and a token. */
export function tokensOf(entry: Uint8Array): Uint8Array {
  return entry.subarray(headerSize, headerSize + tokenSize * (entry[tokenCountAt]! | (entry[tokenCountAt + 1]! << 8)))
}

/** The text of its key, where a user made that (kinds with the flag 4). */
export function labelOf(entry: Uint8Array | undefined): string | undefined {
  if (entry === undefined || entry.length < headerSize + sealSize + 4 || (kindOf(entry) & labelled) === 0) return undefined
  const end = entry.length - sealSize - 4
  const length = new DataView(entry.buffer, entry.byteOffset).getUint32(end, true)
  return length > end - headerSize ? undefined : labelText(entry.subarray(end - length, end))
}

/** The first byte of a label that has a lone surrogate, which UTF-8 cannot hold and never begins with: its code units follow, low byte first. */
export const utf16Mark = 0xff

export function labelText(bytes: Uint8Array): string {
  if (bytes[0] !== utf16Mark) return utf8.decode(bytes)
  let text = ''
  for (let i = 1; i < bytes.length; i += 2) text += String.fromCharCode(bytes[i]! | (bytes[i + 1]! << 8))
  return text
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
