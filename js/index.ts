/** What every runtime's entry exports, beside its own createCache(). */
export type { Cache, CacheStats, UserKey } from './cache.js'
export { KeyError, OptionError, StorageError, ValueError } from './errors.js'
export type { CacheEvent, EventListener } from './events.js'
export type { ByteSize, CacheOptions, CallOptions, Duration, ReadOptions, WrapOptions } from './options.js'
export { memory } from './storage/memory.js'
export type { Storage, StorageHint } from './storage/storage.js'
export type { AnyFunction, Wrapped, WrappedMethods } from './wrapped.js'
