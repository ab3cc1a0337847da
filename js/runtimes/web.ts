/** What every runtime with web standards shares: clock, random numbers, SHA-256. */
import type { Digest, Runtime } from './runtime.js'

export const web: Pick<Runtime, 'now' | 'stopwatch' | 'after' | 'random' | 'randomBytes' | 'digest' | 'background' | 'disabled'> = {
  now: () => Date.now(),
  // A clock that is turned is better than none: then what a call took is wrong, and whether it is too late.
  stopwatch: () => (typeof performance === 'object' ? performance.now() : Date.now()),
  after,
  random: () => Math.random(),
  randomBytes: count => crypto.getRandomValues(new Uint8Array(count)),
  digest: secret => (secret === undefined ? sha256 : hmacOf(secret)),
  background: () => {},
  // Not `process.env`, which bundlers replace.
  disabled: () => (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.['REPRISE_DISABLE'] === '1',
}

/** A timer that works beyond 24.8 days, where setTimeout's 32 bits end and it fires at once. */
function after(ms: number, run: () => void, idly = false): () => void {
  const most = 2 ** 31 - 1
  let timer: ReturnType<typeof setTimeout>
  const wait = (left: number): void => {
    timer = setTimeout(left > most ? () => wait(left - most) : run, Math.min(left, most))
    if (idly) letEnd(timer)
  }
  wait(ms)
  return () => clearTimeout(timer)
}

/** The process may end before: in Node and Bun a timer can do that, in Deno it is a number. Elsewhere nothing ends for want of timers. */
function letEnd(timer: unknown): void {
  ;(timer as { unref?(): void }).unref?.()
  if (typeof timer === 'number') (globalThis as { Deno?: { unrefTimer(timer: number): void } }).Deno?.unrefTimer(timer)
}

/** A page that did not come over https has no WebCrypto; it gets its storage through a library, loaded only there. */
const sha256: Digest = async bytes =>
  typeof crypto.subtle === 'object' ? new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource)) : (await import('@noble/hashes/sha2.js')).sha256(bytes)

function hmacOf(secret: Uint8Array): Digest {
  let hmac: Promise<Digest> | undefined
  return async bytes => (await (hmac ??= import('./hmac.js').then(({ hmac }) => hmac(secret))))(bytes)
}

/** For pages whose policy forbids WebAssembly, and engines without. */
export const fallback: NonNullable<Runtime['fallback']> = async () => (await import('../fallback/index.js')).fallback

/** The core out of its text, which is deflated and in base64, for pages, which may compile from bytes. */
export async function compileInline(load: () => Promise<{ default: string }>): Promise<WebAssembly.Module> {
  // Where there is none, this says so, before anything is done for it.
  const { compile } = WebAssembly
  const text = atob((await load()).default)
  const deflated = Uint8Array.from(text, character => character.charCodeAt(0))
  // (Not by way of a Blob, which has no stream() in jsdom.)
  const inflated = new Response(deflated).body!.pipeThrough(new DecompressionStream('deflate'))
  return compile(await new Response(inflated).arrayBuffer())
}
