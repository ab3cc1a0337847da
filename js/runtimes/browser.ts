/** Browsers, in pages and workers: entries in IndexedDB, or in memory only where there is none. */
import { createCacheIn } from '../create.js'
import { indexedDb } from '../storage/indexed-db.js'
import type { Runtime } from './runtime.js'
import { compileInline, fallback, web } from './web.js'

const runtime: Runtime = {
  ...web,
  name: 'browser',
  compile: dense => compileInline(() => (dense ? import('#core-dense-wasm') : import('#core-wasm'))),
  fallback,
  defaultStorage: () => (typeof indexedDB === 'undefined' ? undefined : indexedDb()),
}

/**
 * Makes a cache. Without `storage`, entries live in the page's IndexedDB, in the database `reprise`.
 * Rejects with OptionError where an option is wrong.
 */
export const createCache = createCacheIn(runtime)
export { type IndexedDbOptions, indexedDb } from '../storage/indexed-db.js'
export * from '../index.js'
