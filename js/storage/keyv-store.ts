/**
 * A cache as a store for Keyv: `new Keyv({ store: keyvStore(cache) })`. What reads and writes by Keyv then has the cache's memory with its budget, any
 * storage behind it, and its guard: a storage that hangs or fails is an event of the cache, and a miss.
 *
 * A namespace of Keyv is a scope of the cache, within the scope `keyv`: so to clear one is one write, however much is in it, and no entry of anybody else goes
 * with it. Keyv tells its store the namespace by writing it into a property, and the last Keyv that shares a store wins. So keys are told apart by their
 * own beginnings, where they begin with a namespace that was ever told; only clear() has nothing else to go by.
 */
import type { Cache } from '../cache.js'

/** Takes a cache, or a scope of one; whoever made it closes it. Each Keyv should have a store of its own, as they cost nothing. */
export function keyvStore(cache: Cache): KeyvStore {
  return new KeyvStore(cache)
}

/** What Keyv 5 asks of its stores. There is no setMany: with one, Keyv would no longer tell which values were set. */
export class KeyvStore {
  /** Keyv iterates over stores of a dialect that it knows, and over no others. */
  readonly opts: Record<string, unknown> = { dialect: 'redis' }
  private readonly whole: Cache
  /** By namespace, the longest first: a key is in the first that it begins with. */
  private scopes: [namespace: string, scope: Cache][] = []
  private current: string | undefined

  /** Use keyvStore(). */
  constructor(cache: Cache) {
    this.whole = cache.scope('keyv')
  }

  get namespace(): string | undefined {
    return this.current
  }

  set namespace(namespace: string | undefined) {
    this.current = namespace
    if (namespace) this.scopeOf(namespace)
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    return (await this.placeOf(key).get(key)) as Value | undefined
  }

  getMany<Value>(keys: string[]): Promise<(Value | undefined)[]> {
    return Promise.all(keys.map(key => this.get<Value>(key)))
  }

  /** `ttlMs` in milliseconds; without it, or with 0, until the cache needs the room. */
  async set(key: string, value: unknown, ttlMs?: number): Promise<boolean> {
    const place = this.placeOf(key)
    // It is over already, and so is what it replaces.
    if (ttlMs !== undefined && ttlMs < 0) await place.delete(key)
    else await place.set(key, value, { ttl: ttlMs || 'forever' })
    return true
  }

  /** Whether there was one. */
  async delete(key: string): Promise<boolean> {
    const place = this.placeOf(key)
    const wasThere = await place.has(key)
    await place.delete(key)
    return wasThere
  }

  /** Whether there was any. */
  async deleteMany(keys: string[]): Promise<boolean> {
    return (await Promise.all(keys.map(key => this.delete(key)))).some(Boolean)
  }

  has(key: string): Promise<boolean> {
    return this.placeOf(key).has(key)
  }

  hasMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map(key => this.has(key)))
  }

  /** Forgets the namespace that was told last; where none was, everything that was set by any store over this cache. */
  clear(): Promise<void> {
    return this.scopeOf(this.current).invalidate('all')
  }

  /** Looks at everything that the cache and its storage hold, of others too. Rejects with OptionError where keys cannot be listed: see Cache.keys. */
  async *iterator<Value>(namespace?: string): AsyncGenerator<(string | Awaited<Value> | undefined)[], void> {
    const scope = this.scopeOf(namespace)
    for (const key of await scope.keys()) {
      const value = await scope.get(key)
      if (value !== undefined) yield [key, value as Awaited<Value>]
    }
  }

  /** Waits for what is being written. */
  disconnect(): Promise<void> {
    return this.whole.settled()
  }

  /** Keyv listens for errors. None is sent: what fails rejects, and a storage that fails is an event of the cache. */
  on(_event: string, _listener: (...args: never[]) => void): this {
    return this
  }

  private placeOf(key: string): Cache {
    return this.scopes.find(([namespace]) => key.startsWith(`${namespace}:`))?.[1] ?? this.scopeOf(this.current)
  }

  private scopeOf(namespace: string | undefined): Cache {
    if (!namespace) return this.whole
    const known = this.scopes.find(([name]) => name === namespace)
    if (known !== undefined) return known[1]
    const scope = this.whole.scope(namespace)
    this.scopes = [...this.scopes, [namespace, scope] satisfies [string, Cache]].sort(([a], [b]) => b.length - a.length)
    return scope
  }
}
