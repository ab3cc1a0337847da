/** Anywhere, with a core that the user hands in: for runtimes and bundlers that none of the other entries fits. Entries live in memory unless `storage` says otherwise. */
import type { CoreInstance } from '../boundary.js'
import type { Cache } from '../cache.js'
import { createCacheIn } from '../create.js'
import { OptionError } from '../errors.js'
import { type CacheOptions, parseFunction } from '../options.js'
import { ambient } from './edge.js'
import { compileGiven, type ModuleSource } from './module.js'
import { web } from './web.js'

export type { ModuleSource }

/** As everywhere, but for the core: which module it is decides whether entries in memory are compressed. */
export interface SlimOptions extends Omit<CacheOptions, 'memory'> {
  /** `reprise/core.wasm`, or `reprise/core-dense.wasm`, which compresses entries in memory by LZ4: compiled, as bytes, as a Response, or a promise of one of these. */
  module: ModuleSource | PromiseLike<ModuleSource>
  /** What stands in where WebAssembly is refused or missing: `fallback` of `reprise/fallback`. Default: then calls run their functions uncached. */
  fallback?: () => CoreInstance
  memory?: Omit<NonNullable<CacheOptions['memory']>, 'compression'>
}

/**
 * Makes a cache. Without `storage`, entries live in memory only. Rejects with OptionError where an option is wrong. A module that cannot be had, or is
 * not the core of this release, is told by one event (`uncached`), and calls run their functions.
 */
export async function createCache(given: SlimOptions): Promise<Cache> {
  const { module, fallback, ...options } = ((given as SlimOptions | undefined) ?? {}) as Partial<SlimOptions>
  if (module === undefined || module === null) throw new OptionError('module', 'is missing. Give core.wasm of this release: it is a file of the package, reprise/core.wasm.')
  parseFunction('fallback', fallback, 'fallback, of reprise/fallback')
  if (typeof options.memory === 'object' && options.memory !== null && 'compression' in options.memory) throw new OptionError('memory.compression', 'is for the module to say here. Give reprise/core-dense.wasm as `module`.')
  return createCacheIn({ ...web, name: 'slim', ambient, compile: async () => compileGiven(await module), ...(fallback && { fallback: async () => fallback }), defaultStorage: () => undefined })(options)
}
export { type IndexedDbOptions, indexedDb } from '../storage/indexed-db.js'
export * from '../index.js'
