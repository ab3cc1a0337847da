/** Node, Deno and Bun: entries in a directory, SHA-256 at once. */
import { AsyncLocalStorage } from 'node:async_hooks'
import * as crypto from 'node:crypto'
import { inflateSync } from 'node:zlib'
import { createCacheIn } from '../create.js'
import type { Ambient } from '../flights.js'
import { fileSystem } from '../storage/file-system.js'
import { nodeAead } from '../storage/node-aead.js'
import type { Runtime } from './runtime.js'
import { fallback, web } from './web.js'

/** crypto.hash takes a third of the time for short input; Node has it from 20.12 on, Deno and Bun may not. */
const { hash } = crypto as { hash?: (name: string, bytes: Uint8Array, encoding: 'buffer') => Uint8Array }
const sha256 = hash !== undefined ? (bytes: Uint8Array) => hash('sha256', bytes, 'buffer') : (bytes: Uint8Array) => crypto.createHash('sha256').update(bytes).digest()

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

const runtime: Runtime = {
  ...web,
  name: 'node',
  // By zlib: the streams of the web are loaded when first used here, which takes longer than all the rest.
  async compile(dense) {
    const { default: base64 } = await (dense ? import('#core-dense-wasm') : import('#core-wasm'))
    return WebAssembly.compile(inflateSync(Buffer.from(base64, 'base64')) as Uint8Array<ArrayBuffer>)
  },
  // With --jitless there is no WebAssembly.
  fallback,
  digest: secret => (secret === undefined ? sha256 : bytes => crypto.createHmac('sha256', secret).update(bytes).digest()),
  aead: nodeAead,
  ambient: () => new RunningCalls(),
  defaultStorage: () => fileSystem({ directory: process.env['REPRISE_DIR'] || '.reprise' }),
}

/**
 * Makes a cache. Without `storage`, entries live in the directory `$REPRISE_DIR`, or `.reprise` where the process runs.
 * Rejects with OptionError where an option is wrong.
 */
export const createCache = createCacheIn(runtime)
export { type FileSystemOptions, fileSystem } from '../storage/file-system.js'
export * from '../index.js'
