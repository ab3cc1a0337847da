/** Bytes as base64 text, for stores that keep nothing but text: of Node's Buffer where there is one, else by what every runtime has. */

interface NodeBuffer {
  from(bytes: ArrayBufferLike, offset: number, length: number): { toString(encoding: 'base64'): string }
  from(text: string, encoding: 'base64'): Uint8Array
}

const { Buffer } = globalThis as { Buffer?: NodeBuffer }

/** fromCharCode takes its arguments on the stack. */
const mostAtOnce = 0x2000

export function toBase64(bytes: Uint8Array): string {
  if (Buffer !== undefined) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  let text = ''
  for (let at = 0; at < bytes.length; at += mostAtOnce) text += String.fromCharCode(...bytes.subarray(at, at + mostAtOnce))
  return btoa(text)
}

/** Bytes of its own; undefined where it is no base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  if (Buffer !== undefined) return new Uint8Array(Buffer.from(text, 'base64'))
  return Uint8Array.from(atob(text), character => character.charCodeAt(0))
}
