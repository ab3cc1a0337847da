/** What every runtime with web standards shares: clock, random numbers, SHA-256. */
import type { Runtime } from './runtime.js'

export const web: Pick<Runtime, 'now' | 'randomBytes' | 'sha256' | 'background'> = {
  now: () => Date.now(),
  randomBytes: count => crypto.getRandomValues(new Uint8Array(count)),
  async sha256(bytes) {
    if (crypto.subtle !== undefined) return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
    // A page that did not come over https has no WebCrypto; it still gets its storage.
    return (await import('@noble/hashes/sha2.js')).sha256(bytes)
  },
  background: () => {},
}

/** The core out of its text in base64, for runtimes that may compile from bytes. */
export async function compileInline(load: () => Promise<{ default: string }>): Promise<WebAssembly.Module> {
  const text = atob((await load()).default)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return WebAssembly.compile(bytes)
}
