/** Node, Deno and Bun: entries in a directory, SHA-256 at once. */
import { AsyncLocalStorage } from 'node:async_hooks'
import core from '#core-wasm-plain'
import { createCacheIn } from '../create.js'
import type { Ambient } from '../flights.js'
import { fileSystem } from '../storage/file-system.js'
import { nodeAead } from '../storage/node-aead.js'
import { nodeCrypto, randomBytes } from '../storage/node-crypto.js'
import { stopwatch } from '../storage/node-stopwatch.js'
import type { Runtime } from './runtime.js'
import { fallback, web } from './web.js'

/** crypto.hash takes a third of the time for short input; Deno and Bun may not have it. */
function sha256(bytes: Uint8Array): Uint8Array {
  const { createHash, hash } = nodeCrypto() as { hash?: (name: string, bytes: Uint8Array, encoding: 'buffer') => Uint8Array } & ReturnType<typeof nodeCrypto>
  return hash !== undefined ? hash('sha256', bytes, 'buffer') : createHash('sha256').update(bytes).digest()
}

/** While an AsyncLocalStorage is in use, every promise of the process takes longer (a hit 15 %, in Node 20). So it is only while a function runs. */
class RunningCalls<T> implements Ambient<T> {
  private readonly storage = new AsyncLocalStorage<T>()
  private running = 0

  async run<R>(store: T, work: () => Promise<R>): Promise<R> {
    this.running++
    try {
      return await this.storage.run(store, work)
    } finally {
      if (--this.running === 0) this.storage.disable()
    }
  }

  getStore(): T | undefined {
    return this.storage.getStore()
  }
}

/** Of the environment. In Deno, who runs a program may forbid it to look; that is no reason to have no cache. */
function variable(name: string): string | undefined {
  try {
    return process.env[name]
  } catch {
    return undefined
  }
}

const runtime: Runtime = {
  ...web,
  name: 'node',
  stopwatch,
  // The core is in this file as it is: here nobody waits for a download, but everybody for another file, for zlib, and for inflating.
  async compile(dense) {
    // (At once: its functions are compiled when they are first called, and another thread is further away than that.)
    if (!dense) return new WebAssembly.Module(Buffer.from(core, 'base64'))
    const [{ inflateSync }, { default: deflated }] = await Promise.all([import('node:zlib'), import('#core-dense-wasm')])
    return new WebAssembly.Module(inflateSync(Buffer.from(deflated, 'base64')) as Uint8Array<ArrayBuffer>)
  },
  // With --jitless there is no WebAssembly.
  fallback,
  randomBytes,
  digest: secret => (secret === undefined ? sha256 : bytes => nodeCrypto().createHmac('sha256', secret).update(bytes).digest()),
  aead: nodeAead,
  ambient: () => new RunningCalls(),
  disabled: () => variable('REPRISE_DISABLE') === '1',
  defaultStorage: () => fileSystem({ directory: variable('REPRISE_DIR') || '.reprise' }),
}

/**
 * Makes a cache. Without `storage`, entries live in the directory `$REPRISE_DIR`, or `.reprise` where the process runs.
 * Rejects with OptionError where an option is wrong.
 */
export const createCache = createCacheIn(runtime)
export { type FileSystemOptions, fileSystem } from '../storage/file-system.js'
export * from '../index.js'
