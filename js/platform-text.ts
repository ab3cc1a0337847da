/**
 * Handing text to bytes by whatever the platform does fastest. A TextEncoder writes at the beginning of a view; elsewhere it needs
 * a new view for each text, which takes longer than Node's Buffer with its offset. All of them cost 50 to 200 ns however
 * short the text is, so short ones are written in a loop. And memory for bytes, where the platform has some that nobody filled.
 */

/** What Node's Buffers can, and any Uint8Array with them. */
interface NodeBytes {
  utf8Write(this: Uint8Array, text: string, offset: number): number
  ucs2Write(this: Uint8Array, text: string, offset: number): number
  latin1Slice(this: Uint8Array, from: number, to: number): string
  ucs2Slice(this: Uint8Array, from: number, to: number): string
}
const { Buffer } = globalThis as unknown as { Buffer?: { prototype: NodeBytes; allocUnsafeSlow?: (size: number) => Uint8Array } }
const prototype = Buffer?.prototype
const node = prototype !== undefined && ['utf8Write', 'ucs2Write', 'latin1Slice', 'ucs2Slice'].every(name => name in prototype) ? prototype : undefined

/** Below this many characters a loop beats a call into the platform's encoder. */
export const shortText = node !== undefined ? 32 : 128

const encoder = new TextEncoder()

/** UTF-8 at `start`; returns how many bytes it took. Whole characters only, as far as there is room. */
export function putUtf8(bytes: Uint8Array, text: string, start: number): number {
  if (start === 0) return encoder.encodeInto(text, bytes).written
  return node !== undefined ? node.utf8Write.call(bytes, text, start) : encoder.encodeInto(text, bytes.subarray(start)).written
}

/** ASCII at `start`; returns where it ends, or -1 where the text is not ASCII. There is room for four bytes more. */
export function putAscii(bytes: Uint8Array, text: string, start: number): number {
  const { length } = text
  if (length < shortText) {
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return -1
      bytes[start + i] = code
    }
    return start + length
  }
  // A look at a few places saves most attempts. With room for one more character of any kind, other text takes more bytes.
  const step = Math.min(length >> 2, 2000) | 1
  for (let i = 0; i < length; i += step) if (text.charCodeAt(i) > 0x7f) return -1
  return putUtf8(bytes, text, start) === length ? start + length : -1
}

/** The code units of a text, low byte first; there is room. */
export function putUtf16(bytes: Uint8Array, text: string, start: number): void {
  if (node !== undefined) node.ucs2Write.call(bytes, text, start)
  else for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    bytes[start + 2 * i] = code
    bytes[start + 2 * i + 1] = code >> 8
  }
}

/** Bytes for somebody who writes all of them: whatever they are before, zeros cost as much as the writing. */
export function unfilled(size: number): Uint8Array {
  const buffer = size < 4096 ? undefined : Buffer?.allocUnsafeSlow?.(size).buffer
  return buffer?.byteLength === size ? new Uint8Array(buffer) : new Uint8Array(size)
}

type Read = (bytes: Uint8Array, from: number, to: number) => string

/** Node's slices of bytes need no view and no check; a TextDecoder takes twice as long. */
function reader(slice: keyof NodeBytes & `${string}Slice`, label: string): Read {
  if (node !== undefined) return (bytes, from, to) => node[slice].call(bytes, from, to)
  const decoder = new TextDecoder(label, { ignoreBOM: true })
  return (bytes, from, to) => decoder.decode(bytes.subarray(from, to))
}

/** ASCII, or any bytes as a string that no other bytes give. (To a TextDecoder, latin1 is windows-1252, which has a character for each byte, too.) */
export const latin1Text = reader('latin1Slice', 'latin1')
export const utf16Text = reader('ucs2Slice', 'utf-16le')
/** latin1Text's characters are the bytes as code units. */
export const isLatin1 = node !== undefined

/** Of a text that takes two bytes a character. (V8 compiles it for narrow strings, too, and knows at once that none of these matches.) */
export const beyondLatin1 = /[\u0100-\uffff]/
