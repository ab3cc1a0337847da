/** Bytes as text, in every runtime: by its own function where it has one (2025 and later), else by btoa and atob. */

interface Native {
  toBase64?(): string
}

/** So many characters are made at once: arguments of a function lie on the stack. */
const step = 0x2000

export function base64Of(bytes: Uint8Array): string {
  const { toBase64 } = bytes as Native
  if (toBase64 !== undefined) return toBase64.call(bytes)
  let text = ''
  for (let at = 0; at < bytes.length; at += step) text += String.fromCharCode(...bytes.subarray(at, at + step))
  return btoa(text)
}

/** Undefined where the text is no base64. */
export function bytesOf(base64: string): Uint8Array | undefined {
  const { fromBase64 } = Uint8Array as { fromBase64?(text: string): Uint8Array }
  try {
    if (fromBase64 !== undefined) return fromBase64.call(Uint8Array, base64)
    const text = atob(base64)
    const bytes = new Uint8Array(text.length)
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
    return bytes
  } catch {
    return undefined
  }
}
