/**
 * Pages and their workers, with the core as a file of its own that is compiled while it arrives, and cached by the browser as any file: a third less to
 * load than inline. The bundler must know `new URL(…, import.meta.url)`, as Vite, webpack and Rspack do; esbuild and Rollup do not.
 */
import { createCacheIn } from '../create.js'
import { compileUrl } from './module.js'
import { page } from './page.js'

/**
 * Makes a cache. Without `storage`, entries live in the page's IndexedDB, in the database `reprise`.
 * Rejects with OptionError where an option is wrong.
 */
export const createCache = createCacheIn({ ...page, compile: dense => compileUrl(dense ? new URL('./core-dense.wasm', import.meta.url) : new URL('./core.wasm', import.meta.url)) })
export { type IndexedDbOptions, indexedDb } from '../storage/indexed-db.js'
export * from '../index.js'
