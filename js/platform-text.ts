/**
 * Handing text to bytes by whatever the platform does fastest. Node's Buffer writes at an offset; a TextEncoder needs a new
 * view for each text. Both cost 50 to 200 ns however short the text is, so short ones are written in a loop.
 */

interface NodeBuffer {
  utf8Write(text: string, offset: number): number
  ucs2Write(text: string, offset: number): number
}
const Buffer = (globalThis as unknown as { Buffer?: { prototype: object; from(buffer: ArrayBufferLike, offset: number, length: number): NodeBuffer } }).Buffer
const hasBuffer = Buffer !== undefined && 'utf8Write' in Buffer.prototype && 'ucs2Write' in Buffer.prototype

/** Below this many characters a loop beats a call into the platform's encoder. */
export const shortText = hasBuffer ? 32 : 128

/** Memory that text is written to. */
export interface Target {
  readonly bytes: Uint8Array
  readonly buffer: NodeBuffer | undefined
}

export function targetOf(bytes: Uint8Array): Target {
  return { bytes, buffer: hasBuffer ? Buffer!.from(bytes.buffer, bytes.byteOffset, bytes.length) : undefined }
}

const encoder = new TextEncoder()

/** UTF-8 at `start`; returns how many bytes it took. Whole characters only, as far as there is room. */
export function putUtf8({ bytes, buffer }: Target, text: string, start: number): number {
  return buffer !== undefined ? buffer.utf8Write(text, start) : encoder.encodeInto(text, bytes.subarray(start)).written
}

/** ASCII at `start`; returns where it ends, or -1 where the text is not ASCII. There is room for four bytes more. */
export function putAscii(target: Target, text: string, start: number): number {
  const { length } = text
  if (length < shortText) {
    const { bytes } = target
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
  return putUtf8(target, text, start) === length ? start + length : -1
}

/** The code units of a text, low byte first; there is room. */
export function putUtf16({ bytes, buffer }: Target, text: string, start: number): void {
  if (buffer !== undefined) buffer.ucs2Write(text, start)
  else for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    bytes[start + 2 * i] = code
    bytes[start + 2 * i + 1] = code >> 8
  }
}
