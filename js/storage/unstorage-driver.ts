/**
 * A cache as a driver of unstorage: `createStorage({ driver: repriseDriver(cache) })`. What reads and writes by unstorage then has the cache's memory with its
 * budget, any storage behind it, and its guard. It is a cache: what takes more room than there is leaves.
 *
 * Everything lies in the scope `unstorage` of the cache, so that to clear it is one write and takes no entry of anybody else along. Values set raw come back as
 * structuredClone has them; others are the texts that unstorage makes of them.
 */
import type { Cache } from '../cache.js'
import { OptionError, show } from '../errors.js'

/** What unstorage's createStorage({ driver }) and mount() take. */
export interface RepriseDriver {
  readonly name: string
  readonly flags: { readonly ttl: boolean }
  getInstance(): Cache
  hasItem(key: string): Promise<boolean>
  getItem(key: string): Promise<string | null>
  getItemRaw(key: string): Promise<unknown>
  setItem(key: string, value: string, options?: { ttl?: number }): Promise<void>
  setItemRaw(key: string, value: unknown, options?: { ttl?: number }): Promise<void>
  removeItem(key: string): Promise<void>
  getKeys(base?: string): Promise<string[]>
  clear(base?: string): Promise<void>
  dispose(): Promise<void>
}

export interface RepriseDriverOptions {
  /** How long an item is kept that is set without one, in seconds, as unstorage has it. Default: until the cache needs the room. */
  ttl?: number
}

/**
 * Takes a cache, or a scope of one; whoever made it closes it. Of several drivers over one cache, each needs a scope of its own: `repriseDriver(cache.scope('sessions'))`.
 * `getKeys()` and `clear(base)` look at everything that the cache and its storage hold, and reject with OptionError where keys cannot be listed: see Cache.keys.
 * Throws OptionError for a ttl that is none.
 */
export function repriseDriver(cache: Cache, { ttl }: RepriseDriverOptions = {}): RepriseDriver {
  if (ttl !== undefined && !(typeof ttl === 'number' && ttl > 0)) throw new OptionError('repriseDriver: ttl', `${show(ttl)} is not a number of seconds above 0. Leave it out to keep items until the cache needs the room.`)
  const scope = cache.scope('unstorage')
  const set = (key: string, value: unknown, options?: { ttl?: number }): Promise<void> => {
    const seconds = options?.ttl ?? ttl
    return scope.set(key, value, { ttl: seconds ? seconds * 1000 : 'forever' })
  }
  const get = async (key: string): Promise<unknown> => (await scope.get(key)) ?? null
  return {
    name: 'reprise',
    flags: { ttl: true },
    getInstance: () => cache,
    hasItem: key => scope.has(key),
    getItem: get as (key: string) => Promise<string | null>,
    getItemRaw: get,
    setItem: set,
    setItemRaw: set,
    removeItem: key => scope.delete(key),
    async getKeys(base = '') {
      const keys = await scope.keys({ match: `${literal(base)}*` })
      // Some of them are over by now.
      const there = await Promise.all(keys.map(key => scope.has(key)))
      return keys.filter((_, i) => there[i])
    },
    async clear(base = '') {
      if (base === '') return scope.invalidate('all')
      await scope.invalidate({ match: `${literal(base)}*` })
    },
    dispose: () => scope.settled(),
  }
}

/** A text as a pattern that matches itself. */
function literal(text: string): string {
  return text.replace(/[*?\\]/g, '\\$&')
}
