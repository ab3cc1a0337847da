/**
 * Cloudflare Workers KV, by the binding that a Worker is given: one value per entry, under a prefix, with KV's own expiry.
 *
 * KV is eventually consistent: what is written, or deleted, at one location is seen at others within a minute, or so, and "not there" is
 * remembered as long. So there is no add(), which could not keep its word; and nothing that is read here is the last word on anything.
 *
 * KV keeps no value for less than a minute. An entry that ends sooner is kept that long; when it ends, it says itself.
 */
import { OptionError, show } from '../errors.js'
import { checkNames, type Duration, parseDuration } from '../units.js'
import { parsePrefix } from './prefix.js'
import type { Storage } from './storage.js'

/** A KVNamespace binding, such as `env.CACHE`. */
export interface KvNamespace {
  get(key: string, options: { type: 'arrayBuffer'; cacheTtl?: number }): Promise<ArrayBuffer | null>
  put(key: string, value: ArrayBufferView, options?: { expirationTtl?: number }): Promise<void>
  delete(key: string): Promise<void>
  list(options: { prefix: string; cursor?: string }): Promise<{ keys: readonly { name: string }[]; list_complete: boolean; cursor?: string }>
}

export interface CloudflareKvOptions {
  /** The binding. */
  namespace: KvNamespace
  /** Every key begins with it. Default `reprise:`; at most 128 characters. */
  prefix?: string
  /**
   * For how long a location may answer with an entry that it has read before, without looking whether there is another by now: at least `'60s'`, which is also what KV does by
   * default. Longer makes reads of the same entries quicker and cheaper; who deletes a key waits as much longer until that is seen everywhere. Invalidations are not touched by it.
   */
  cacheTtl?: Duration
}

/** What KV refuses: lives that are shorter, and values that are longer. */
const leastSeconds = 60
const mostBytes = 25 * 2 ** 20
/** Keys of entries have so many digits; those of tokens have fewer, and are always read as freshly as KV can. */
const digitsOfEntry = 64

/**
 * Takes a binding, or options with one. Throws OptionError where it is neither. The storage throws for an entry above 25 MiB, which is what KV takes at the most.
 */
export function cloudflareKv(given: KvNamespace | CloudflareKvOptions): Storage {
  const { namespace, prefix, cacheSeconds } = parse(given)

  /** Keys as KV has them, a page of up to 1000 at a time. */
  async function* pages(): AsyncGenerator<string[]> {
    for (let cursor: string | undefined; ; ) {
      const page = await namespace.list(cursor === undefined ? { prefix } : { prefix, cursor })
      yield page.keys.map(({ name }) => name)
      if (page.list_complete || page.cursor === undefined) return
      cursor = page.cursor
    }
  }

  return {
    shared: true,
    // A minute, they say, or more.
    lateMs: 120_000,
    async get(key) {
      const caching = cacheSeconds !== undefined && key.length >= digitsOfEntry ? { cacheTtl: cacheSeconds } : {}
      const found = await namespace.get(prefix + key, { type: 'arrayBuffer', ...caching })
      return found === null ? undefined : new Uint8Array(found)
    },

    async set(key, entry, { expiresAt }) {
      if (entry.length > mostBytes) {
        throw new Error(`cloudflareKv: an entry of ${entry.length} bytes was not written: KV takes at most ${mostBytes} (25 MiB). Set memory.maxEntryBytes: '25MB', or keep such results in a storage that takes them.`)
      }
      // A duration, not a time: whose clock is right does not matter then.
      const seconds = expiresAt === undefined ? Infinity : Math.ceil((expiresAt - Date.now()) / 1000)
      // What is over replaces what was there as well: nothing is left of either.
      if (seconds <= 0) return namespace.delete(prefix + key)
      // KV refuses times beyond its calendar, and nobody waits that long.
      await namespace.put(prefix + key, entry, seconds < 1e9 ? { expirationTtl: Math.max(leastSeconds, seconds) } : {})
    },

    async delete(key) {
      await namespace.delete(prefix + key)
    },

    async *keys() {
      for await (const page of pages()) for (const name of page) yield name.slice(prefix.length)
    },

    async clear() {
      for await (const page of pages()) await Promise.all(page.map(name => namespace.delete(name)))
    },
  }
}

function parse(given: unknown): { namespace: KvNamespace; prefix: string; cacheSeconds: number | undefined } {
  const options = (isNamespace(given) ? { namespace: given } : (given ?? {})) as Partial<CloudflareKvOptions>
  if (!isNamespace(options.namespace)) {
    throw new OptionError('cloudflareKv', `${show(options.namespace ?? given)} is no binding of a KV namespace. Give env.NAME, where NAME is its \`binding\` in the Worker's configuration (kv_namespaces).`)
  }
  checkNames('cloudflareKv', options, ['namespace', 'prefix', 'cacheTtl'])
  const cacheMs = options.cacheTtl === undefined ? undefined : parseDuration('cloudflareKv: cacheTtl', options.cacheTtl)
  if (cacheMs !== undefined && (cacheMs < 60_000 || cacheMs > 1e11)) throw new OptionError('cloudflareKv: cacheTtl', `${show(options.cacheTtl)} is out of range. KV takes '60s' or more; leave it out for that.`)
  return { namespace: options.namespace, prefix: parsePrefix('cloudflareKv', options.prefix), cacheSeconds: cacheMs === undefined ? undefined : Math.ceil(cacheMs / 1000) }
}

function isNamespace(value: unknown): value is KvNamespace {
  const found = value as Partial<KvNamespace> | null | undefined
  return typeof found?.get === 'function' && typeof found.put === 'function' && typeof found.list === 'function'
}
