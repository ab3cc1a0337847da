/** Pages and their workers, with the core inline: nothing to fetch, nothing that a bundler must know. */
import { createCacheIn } from '../create.js'
import { page } from './page.js'
import { compileInline } from './web.js'

/**
 * Makes a cache. Without `storage`, entries live in the page's IndexedDB, in the database `reprise`.
 * Rejects with OptionError where an option is wrong.
 */
export const createCache = createCacheIn({ ...page, compile: dense => compileInline(() => (dense ? import('#core-dense-wasm') : import('#core-wasm'))) })
export { type IndexedDbOptions, indexedDb } from '../storage/indexed-db.js'
export * from '../index.js'
